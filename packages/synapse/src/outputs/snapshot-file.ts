import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';

import {
  hasCode,
  isRecord,
  type Log,
  messageOf,
  readRegularText,
  writeFileAtomic,
} from '@smartstack/daemon';
import { written } from '@smartstack/policy';
import type { Service } from '@smartstack/proxy';
import { type Instance, isHost } from '@smartstack/registry';
import { z } from 'zod';

import { socketPath } from '../config/default-server.ts';

/** More than a snapshot of 100,000 members has, in bytes. */
const mostBytes = 256 * 1_048_576;

/** The members that one service was last served with, and what its registry said of its traffic. */
export interface SavedService {
  /** A hash of the way that they were found in; found another way they are not used again. */
  readonly identity: string;
  readonly instances: readonly Instance[];
  /** A policy as users write it, which is checked again when it is used; absent where the registry said none. */
  readonly policy?: unknown;
}

export type SavedServices = ReadonlyMap<string, SavedService>;

const instance = z
  .strictObject({
    host: z.string().refine(isHost),
    port: z.union([z.int().min(1).max(65_535), socketPath]),
    name: z.string().regex(/^[\x21-\x7e]*$/),
    weight: z.int().min(0),
    labels: z.custom<Readonly<Record<string, string>>>(isLabels),
    haproxyServerOptions: z.string(),
    haproxyServerId: z.int(),
    trafficWeight: z.int().min(0).max(256),
    id: z.string(),
  })
  .partial()
  .required({ host: true, port: true });

const services = z.record(
  z.string(),
  z.strictObject({
    identity: z.string(),
    instances: z.array(instance),
    policy: z.unknown().optional(),
  }),
);
const file = z.strictObject({ version: z.literal(1), checksum: z.string(), services: z.string() });

/** Not a `z.record`, which drops a label called `__proto__`. */
function isLabels(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((each) => typeof each === 'string');
}

/** What is saved of a service; undefined while its discovery has not answered. */
export function savedOf({
  instances,
  identity = '',
  registryPolicy,
}: Service): SavedService | undefined {
  if (!instances) return undefined;
  return { identity, instances, ...(registryPolicy && { policy: written(registryPolicy) }) };
}

/** Writes the members that are served, whole or not at all. */
export async function writeSnapshotFile(path: string, saved: SavedServices): Promise<void> {
  const text = JSON.stringify(Object.fromEntries(saved));
  const whole = { version: 1, checksum: checksumOf(text), services: text };
  await writeFileAtomic(path, `${JSON.stringify(whole)}\n`, 0o600);
}

/**
 * Reads the members that were served; none where there is no file. A file that is damaged, or of another
 * version, is renamed to `<path>.bad` and logged; one that cannot be read is left alone. Never rejects.
 */
export async function readSnapshotFile(path: string, log: Log): Promise<SavedServices> {
  const content = await readRegularText(path, { limit: mostBytes }).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT'))
      log.error(
        { path, reason: messageOf(error), fix: 'let this account read snapshot_file' },
        'cannot read the snapshot',
      );
    return undefined;
  });
  if (content === undefined) return new Map();
  try {
    return parse(content);
  } catch (error) {
    log.error({ path, reason: reasonOf(error) }, 'cannot use the snapshot; it is set aside');
    await rename(path, `${path}.bad`).catch(() => {});
    return new Map();
  }
}

function parse(content: string): SavedServices {
  const { checksum, services: text } = file.parse(JSON.parse(content), {
    error: () => 'not a snapshot of this version',
  });
  if (checksumOf(text) !== checksum) throw new Error('its checksum is wrong');
  const parsed = services.parse(JSON.parse(text), { error: () => 'bad members' });
  return new Map(Object.entries(parsed) as [string, SavedService][]);
}

function checksumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function reasonOf(error: unknown): string {
  return error instanceof z.ZodError ? (error.issues[0]?.message ?? 'bad') : messageOf(error);
}

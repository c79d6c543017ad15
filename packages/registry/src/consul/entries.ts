import { createTimeSlice, isRecord } from '@smartstack/daemon';
import { z } from 'zod';

import type { RegistryRecord } from '../instance/record.ts';
import { healthOf } from './health.ts';

/** One instance as Consul has it: what is mapped to a member. */
export interface ConsulRecord {
  readonly node: string;
  readonly datacenter: string;
  readonly nodeAddress: string;
  readonly nodeMeta: Readonly<Record<string, string>>;
  readonly nodeAddresses: Readonly<Record<string, string>>;
  readonly id: string;
  readonly service: string;
  readonly address: string;
  readonly port: number;
  readonly addresses: Readonly<Record<string, { readonly Address: string; readonly Port: number }>>;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly weights: { readonly Passing: number; readonly Warning: number };
  readonly modifyIndex: number;
  readonly status: ReturnType<typeof healthOf>['status'];
  readonly why: string;
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const number = z
  .number()
  .nullish()
  .transform((value) => value ?? 0);
const record = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

const entry = z.object({
  Node: z.object({
    Node: z.string(),
    Address: text,
    Datacenter: text,
    Meta: record,
    TaggedAddresses: record,
  }),
  Service: z.object({
    ID: z.string(),
    Service: z.string(),
    Tags: z.array(z.string()).nullish(),
    Address: text,
    Port: number,
    Meta: record,
    TaggedAddresses: z
      .record(z.string(), z.object({ Address: z.string(), Port: number }))
      .nullish(),
    Weights: z.object({ Passing: z.number(), Warning: z.number() }).nullish(),
    ModifyIndex: number,
  }),
  Checks: z
    .array(
      z.object({
        CheckID: z.string(),
        Name: z.string().nullish(),
        Status: z.string(),
        Output: z.string().nullish(),
        Notes: z.string().nullish(),
      }),
    )
    .nullish(),
});

/** A record with the entry that it was read from. */
interface Known {
  /** Undefined where it has no text. */
  readonly raw: string | undefined;
  readonly record: RegistryRecord;
}

/** Reads the entries of one service. */
export type ReadEntries = (
  body: unknown,
  service: string,
  signal: AbortSignal,
) => Promise<readonly RegistryRecord[]>;

/**
 * Reads each entry as a record whose buffer stays the same object while it says the same, without holding the event
 * loop. Rejects where the answer is no list, or one of another service; an entry that cannot be read is a record that
 * says so.
 */
export function createEntryReader(): ReadEntries {
  let before: ReadonlyMap<string, Known> = new Map();
  return async (body, service, signal) => {
    if (!Array.isArray(body)) throw new Error(`cannot read ${service}: the answer is no list`);
    const now = new Map<string, Known>();
    const slice = createTimeSlice();
    const records: RegistryRecord[] = [];
    for (const [index, item] of (body as unknown[]).entries()) {
      if (slice.isOver) await slice.yield();
      signal.throwIfAborted();
      const raw = textOf(item);
      const key = keyOf(item) ?? `entry ${index}`;
      const known = before.get(key);
      const read =
        raw !== undefined && known?.raw === raw
          ? known
          : { raw, record: readAgain(item, key, service, known) };
      now.set(key, read);
      records.push(read.record);
    }
    before = now;
    return records;
  };
}

/** What of it nests too deeply to be written is nothing that is read. */
function textOf(item: unknown): string | undefined {
  try {
    return JSON.stringify(item);
  } catch {
    return undefined;
  }
}

/** Where an entry stands: the same id may be given on several nodes. */
function keyOf(item: unknown): string | undefined {
  if (!isRecord(item) || !isRecord(item.Node) || !isRecord(item.Service)) return undefined;
  const [{ Node: node }, { ID: id }] = [item.Node, item.Service];
  return typeof node === 'string' && typeof id === 'string' ? `${node}/${id}` : undefined;
}

function readAgain(
  item: unknown,
  id: string,
  service: string,
  known: Known | undefined,
): RegistryRecord {
  const data = Buffer.from(read(item, service));
  return known?.record.data.equals(data) ? known.record : { id, data };
}

/** The entry as text; of one that cannot be read, nothing. */
function read(item: unknown, wanted: string): string {
  const parsed = entry.safeParse(item);
  if (!parsed.success) return '{}';
  const { Node: node, Service: service, Checks: checks } = parsed.data;
  if (service.Service.toLowerCase() !== wanted.toLowerCase())
    throw new Error(`cannot read ${wanted}: the answer is of ${service.Service.slice(0, 100)}`);
  const read: ConsulRecord = {
    node: node.Node,
    datacenter: node.Datacenter,
    nodeAddress: node.Address,
    nodeMeta: node.Meta,
    nodeAddresses: node.TaggedAddresses,
    id: service.ID,
    service: service.Service,
    address: service.Address,
    port: service.Port,
    addresses: service.TaggedAddresses ?? {},
    tags: service.Tags ?? [],
    meta: service.Meta,
    weights: service.Weights ?? { Passing: 1, Warning: 1 },
    modifyIndex: service.ModifyIndex,
    ...healthOf(checks ?? []),
  };
  return JSON.stringify(read);
}

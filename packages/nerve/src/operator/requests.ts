import type { IncomingMessage } from 'node:http';

import { messageOf } from '@smartstack/daemon';
import { z } from 'zod';

import { percentDecoded } from '../checks/percent.ts';
import type { Service } from '../services/service.ts';
import type { Services } from '../services/services.ts';
import type { Downtime, Overrides } from './overrides.ts';

export interface RequestDeps {
  readonly services: Services;
  readonly overrides: Overrides;
  status(): object;
  /** Ends nerve and leaves its announcements to the next one. */
  handOff(): void;
}

/** A command that cannot be done, with the HTTP status of the answer. */
export class CommandError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const downtimeSchema = z.strictObject({
  reason: z.string().min(1).max(1000).default('none given'),
  owner: z.string().max(100).default('unknown'),
  /** In milliseconds. */
  for: z.number().positive().optional(),
});
const weightSchema = z.strictObject({ weight: z.int().min(0).max(1_000_000).nullable() });

/** Runs a request's command and returns the answer's body; rejects with a `CommandError` for the client's mistakes. */
export async function answer(
  request: IncomingMessage,
  { services, overrides, status, handOff }: RequestDeps,
  signal: AbortSignal,
): Promise<unknown> {
  const [, ...words] = (request.url ?? '').split('/').map(percentDecoded);
  const what = `${request.method} ${words.length === 3 ? `${words[0]}/*/${words[2]}` : words[0]}`;
  const named = () => serviceOf(services, words[1] ?? '');
  const change = async (service: Service, part: object) => {
    const next = { ...overrides.of(service.name), ...part };
    service.setOverride(next);
    await overrides.set(service.name, next);
    return service.status();
  };
  const changeAll = async (part: object) => {
    await Promise.all(services.all().map((service) => change(service, part)));
    return status();
  };
  switch (what) {
    case 'GET status':
      return status();
    case 'POST services/*/down':
      return change(named(), { downtime: downtimeOf(await read(request, downtimeSchema)) });
    case 'POST services/*/up':
      return change(named(), { downtime: undefined });
    case 'POST services/*/weight': {
      const { weight } = await read(request, weightSchema);
      return change(named(), { weight: weight ?? undefined });
    }
    case 'POST services/*/check':
      return named().check(signal);
    case 'POST drain':
      return changeAll({ downtime: downtimeOf(await read(request, downtimeSchema)) });
    case 'POST up':
      return changeAll({ downtime: undefined });
    case 'POST hand-off':
      handOff();
      return {};
    default:
      throw new CommandError(404, `no such command: ${request.method} ${request.url}`);
  }
}

function serviceOf(services: Services, name: string): Service {
  const service = services.all().find((each) => each.name === name);
  if (service) return service;
  const names = services.all().map((each) => each.name);
  throw new CommandError(404, `no service ${name}; there are: ${names.join(', ') || 'none'}`);
}

function downtimeOf({ for: span, ...keys }: z.output<typeof downtimeSchema>): Downtime {
  const since = Date.now();
  return { ...keys, since, ...(span !== undefined && { until: since + span }) };
}

async function read<S extends z.ZodType>(
  request: IncomingMessage,
  schema: S,
): Promise<z.output<S>> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > 65_536) throw new CommandError(413, 'the command is too long');
  }
  try {
    return schema.parse(JSON.parse(text || '{}'));
  } catch (error) {
    throw new CommandError(400, `not a command: ${messageOf(error)}`);
  }
}

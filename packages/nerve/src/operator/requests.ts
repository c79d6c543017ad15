import type { IncomingMessage } from 'node:http';

import { messageOf, percentDecoded } from '@smartstack/daemon';
import { z } from 'zod';

import type { Service } from '../services/service.ts';
import type { Services } from '../services/services.ts';
import type { Downtime, Override, Overrides } from './overrides.ts';

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

/** One request for a command. */
interface Call extends RequestDeps {
  readonly request: IncomingMessage;
  /** The service in the path, if any. */
  readonly name: string;
  readonly signal: AbortSignal;
}

/** The commands by method and path; each returns the answer's body. */
const commands = new Map<string, (call: Call) => unknown>([
  ['GET status', ({ status }) => status()],
  [
    'POST services/*/down',
    async (call) => change(serviceOf(call), { downtime: await downtimeIn(call) }, call),
  ],
  ['POST services/*/up', (call) => change(serviceOf(call), { downtime: undefined }, call)],
  [
    'POST services/*/weight',
    async (call) => {
      const { weight } = await read(call.request, weightSchema);
      return change(serviceOf(call), { weight: weight ?? undefined }, call);
    },
  ],
  ['POST services/*/check', (call) => serviceOf(call).check(call.signal)],
  ['POST drain', async (call) => changeAll({ downtime: await downtimeIn(call) }, call)],
  ['POST up', (call) => changeAll({ downtime: undefined }, call)],
  [
    'POST hand-off',
    ({ handOff }) => {
      handOff();
      return {};
    },
  ],
]);

/** Runs a request's command and returns the answer's body; rejects with a `CommandError` for the client's mistakes. */
export async function answer(
  request: IncomingMessage,
  deps: RequestDeps,
  signal: AbortSignal,
): Promise<unknown> {
  const [, ...words] = (request.url ?? '').split('/').map(percentDecoded);
  const path = words.length === 3 ? `${words[0]}/*/${words[2]}` : words[0];
  const command = commands.get(`${request.method} ${path}`);
  if (!command) throw new CommandError(404, `no such command: ${request.method} ${request.url}`);
  return command({ ...deps, request, name: words[1] ?? '', signal });
}

async function change(service: Service, part: Override, { overrides }: Call): Promise<object> {
  const next = { ...overrides.of(service.name), ...part };
  service.setOverride(next);
  await overrides.set(service.name, next);
  return service.status();
}

async function changeAll(part: Override, call: Call): Promise<object> {
  await Promise.all(call.services.all().map((service) => change(service, part, call)));
  return call.status();
}

function serviceOf({ services, name }: Call): Service {
  const service = services.all().find((each) => each.name === name);
  if (service) return service;
  const names = services.all().map((each) => each.name);
  throw new CommandError(404, `no service ${name}; there are: ${names.join(', ') || 'none'}`);
}

async function downtimeIn({ request }: Call): Promise<Downtime> {
  const { for: span, ...keys } = await read(request, downtimeSchema);
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

import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { expectRegularFile, messageOf } from '@smartstack/daemon';
import { z } from 'zod';

import { type Check, type CheckDeps, type CheckMechanism, networkKeys, targetOf } from './check.ts';

const schema = z
  .strictObject({
    type: z.literal('module'),
    ...networkKeys(),
    module: z
      .string()
      .min(1)
      .meta({
        description:
          "a file (a relative one from the configuration's folder, beginning with a dot) or an installed package. It exports `create(options, {service, host, port})`, which gives an `async (signal) => {}`, and may export a `schema`",
        examples: ['./check-queue.js'],
      }),
    options: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({
        description: 'handed to the module as they are, once its own schema accepted them',
        examples: [{ queue: 'mail' }],
      }),
  })
  .meta({ description: "passes when your own module's function resolves" });

/** What a user's own module exports. */
export interface CheckModule {
  /** Accepts or refuses `options`, and gives what `create` gets; a zod schema is one. */
  readonly schema?: { parse(options: unknown): unknown };
  /** Makes the function that runs the check once: it resolves to pass, and rejects with the reason. */
  create(options: unknown, service: CheckModuleService): Check['run'] | Promise<Check['run']>;
}

export interface CheckModuleService {
  readonly service: string;
  readonly host: string;
  readonly port: number;
}

/** Runs a check that users wrote themselves. */
export const module: CheckMechanism<typeof schema> = {
  type: 'module',
  schema,
  create: async (config, deps) => {
    const { create, schema: options } = await load(config.module, deps);
    const accepted = options ? options.parse(config.options) : config.options;
    const run = await create(accepted, { service: deps.service, ...targetOf(config, deps) });
    return {
      name: config.name ?? `${deps.service} ${config.module}`,
      run: createRunner(run),
    };
  },
};

async function load(name: string, { directory }: CheckDeps): Promise<CheckModule> {
  const isFile = name.startsWith('.') || isAbsolute(name);
  const loading = isFile ? importFile(resolve(directory, name)) : import(name);
  const loaded = (await loading.catch((error: unknown) => {
    throw new Error(`cannot load ${name}: ${messageOf(error)}`, { cause: error });
  })) as Partial<CheckModule>;
  if (typeof loaded.create !== 'function')
    throw new Error(`cannot use ${name} as a check: it exports no create function`);
  return loaded as CheckModule;
}

/** Node.js would wait for ever to read a FIFO. */
async function importFile(file: string): Promise<unknown> {
  await expectRegularFile(file);
  return await import(pathToFileURL(file).href);
}

/**
 * Enforces the deadline for a module that ignores its signal, and does not start it again before it has
 * ended.
 */
function createRunner(run: Check['run']): Check['run'] {
  let running: Promise<void> | undefined;
  return async (signal) => {
    if (running) throw new Error('the run before has not ended yet');
    // A signal of its own: listeners that the module does not remove are collected with it.
    const own = new AbortController();
    const onAbort = () => own.abort(signal.reason);
    signal.addEventListener('abort', onAbort);
    try {
      running = Promise.resolve(run(own.signal)).finally(() => {
        running = undefined;
      });
      await Promise.race([running, rejectWhenAborted(own.signal)]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createLatest, createMetrics, parseSource, silentLog } from '@smartstack/daemon';
import { createRegistries, type Instance, type OpenedRegistries } from '@smartstack/registry';
import { pino } from 'pino';
import { onTestFinished, vi } from 'vitest';
import { type Config, parseConfig } from '../../packages/nerve/src/config/config.ts';
import { runNerve } from '../../packages/nerve/src/nerve.ts';
import { createClient } from '../../packages/nerve/src/operator/client.ts';
import { createCommands } from '../../packages/nerve/src/operator/commands.ts';
import { openOverrides } from '../../packages/nerve/src/operator/overrides.ts';
import { controlSocketIn } from '../../packages/nerve/src/operator/socket-path.ts';
import type { ServiceLine, Status } from '../../packages/nerve/src/operator/table.ts';

/** A line of the log. */
export interface Line {
  readonly level: number;
  readonly msg: string;
  readonly service?: string;
  readonly reason?: string;
}

/** A nerve with a service `broken`, announced as these keys say, beside a good one in a folder and more, until the test's end. */
export async function startForced(
  keys: object,
  around: (registries: OpenedRegistries) => OpenedRegistries = (registries) => registries,
  beside: Readonly<Record<string, object>> = {},
) {
  const directory = await mkdtemp(join(tmpdir(), 'force-'));
  const folder = join(directory, 'good');
  const service = { host: '127.0.0.1', check_interval: 0.2, checks: [] };
  const written = {
    instance_id: 'a',
    status_address: false,
    state_directory: directory,
    services: {
      broken: { ...service, port: 81, weight: 1, ...keys },
      good: {
        ...service,
        port: 82,
        weight: 1,
        reporter_type: 'file',
        directory: folder,
        path: 'good',
      },
      ...Object.fromEntries(
        Object.entries(beside).map(([name, more]) => [name, { ...service, weight: 1, ...more }]),
      ),
    },
  };
  const lines: Line[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const deps = { log, metrics: createMetrics() };
  const real = createRegistries({ log: silentLog, metrics: createMetrics() });
  const stop = new AbortController();
  const running = runNerve(
    parseConfig(parseSource('nerve.yaml', JSON.stringify(written)), directory),
    {
      ...deps,
      registries: around(real),
      reloads: createLatest<Config>().values,
      overrides: await openOverrides(directory, silentLog),
      handOff: () => {},
      withdrawDeadline: 500,
    },
    stop.signal,
  );
  const end = async (reason?: Error) => {
    stop.abort(reason);
    await running;
  };
  onTestFinished(async () => {
    await end();
    await real[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });
  const client = createClient(controlSocketIn(directory));
  const printed: string[] = [];
  const line = async (name: string): Promise<ServiceLine> => {
    const { services } = (await client.ask('GET', '/status')) as Status;
    return services[name] as ServiceLine;
  };
  const broken = () => line('broken');
  /** What the good service's folder has. */
  const good = async (): Promise<readonly Instance[]> => {
    const files = await readdir(join(folder, 'good')).catch(() => []);
    const records = files.filter((file) => file.endsWith('.json') && !file.startsWith('.'));
    return Promise.all(
      records.map(async (file) => JSON.parse(await readFile(join(folder, 'good', file), 'utf8'))),
    );
  };
  await vi.waitFor(async () => broken(), soon);
  return {
    lines,
    end,
    line,
    broken,
    good,
    printed,
    nerve: createCommands(client, (text) => printed.push(text)),
    /** Errors and warnings of the broken one. */
    said: () => lines.filter(({ service: name, level }) => name === 'broken' && level > 40),
    /** The good one is told of a weight, taken out and announced again. */
    goesOn: async () => {
      const weight = 2 + Math.floor(Math.random() * 1000);
      await client.ask('POST', '/services/good/weight', { weight });
      await vi.waitFor(async () => expectEqual((await good())[0]?.weight, weight), soon);
      await client.ask('POST', '/services/good/down', {});
      await vi.waitFor(async () => expectEqual((await good()).length, 0), soon);
      await client.ask('POST', '/services/good/up');
      await vi.waitFor(async () => expectEqual((await good()).length, 1), soon);
    },
  };
}

export const soon = { timeout: 10_000, interval: 10 };

function expectEqual(found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${found} in place of ${wanted}`);
}

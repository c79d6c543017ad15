import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { parseDuration, UserError } from '@smartstack/daemon';

import type { Client } from './client.ts';
import { waitUntilAnnounced, weightResult } from './confirmation.ts';
import { formatTable, type ServiceLine, type Status } from './table.ts';

export interface DowntimeOptions {
  readonly reason?: string;
  readonly for?: string;
  readonly wait?: boolean;
  readonly timeout?: string;
}

export interface UpOptions {
  readonly wait?: boolean;
  readonly all?: boolean;
  readonly timeout?: string;
}

/** How long `--wait` waits where no `--timeout` is given, in milliseconds. */
const defaultTimeout = 60_000;

/** Each command prints its result, and rejects with a `UserError` when it could not be done. */
export function createCommands(client: Client, print: (text: string) => void) {
  const status = async () => (await client.ask('GET', '/status')) as Status;
  const post = (service: string, command: string, body: object) =>
    client.ask('POST', `/services/${encodeURIComponent(service)}/${command}`, body);
  const wait = (services: readonly string[], announced: boolean, timeout: string | undefined) => {
    const limit = timeout === undefined ? defaultTimeout : durationOf('--timeout', timeout);
    return waitUntilAnnounced(services, announced, { status, limit });
  };

  async function allUp({ wait: waits, timeout }: UpOptions): Promise<void> {
    const { services } = (await client.ask('POST', '/up')) as Status;
    const names = Object.keys(services).filter((name) => services[name]?.state === 'up');
    if (waits) await wait(names, true, timeout);
    const count = Object.keys(services).length;
    print(`all ${count} services may be announced again; ${names.length} are up`);
  }

  return {
    status: async ({ json, watch }: { json?: boolean; watch?: boolean }) => {
      for (;;) {
        const found = await status();
        const text = json ? JSON.stringify(found, undefined, 2) : formatTable(found, Date.now());
        print(watch && !json ? `\u001b[2J\u001b[H${text}` : text);
        if (!watch) return;
        await sleep(1000);
      }
    },

    down: async (service: string, options: DowntimeOptions) => {
      await post(service, 'down', downtimeOf(options));
      if (options.wait) await wait([service], false, options.timeout);
      print(`${service} is taken down${options.wait ? ' and gone from the registry' : ''}`);
    },

    up: async (service: string | undefined, options: UpOptions) => {
      if ((service === undefined) === !options.all)
        throw new UserError('name a service, or give --all for every one');
      if (service === undefined) return allUp(options);
      const { state } = (await post(service, 'up', {})) as ServiceLine;
      if (options.wait) await wait([service], true, options.timeout);
      const result = options.wait ? ', and is' : `; its checks say: ${state}`;
      print(`${service} may be announced again${result}`);
    },

    weight: async (service: string, weight: string) => {
      if (!/^(default|\d{1,6})$/.test(weight))
        throw new UserError(
          `cannot announce weight ${weight}: expected a whole number, or default`,
        );
      const number = weight === 'default' ? null : Number(weight);
      await post(service, 'weight', { weight: number });
      const what = number === null ? 'its configured weight' : `weight ${number}`;
      print(await weightResult(service, what, status));
    },

    check: async (service: string) => {
      const reports = (await post(service, 'check', {})) as readonly Report[];
      for (const report of reports) print(lineOf(report));
      if (reports.length === 0) print(`${service} has no checks`);
      if (reports.some(({ passed }) => !passed)) process.exitCode = 1;
    },

    drain: async (options: DowntimeOptions) => {
      const { services } = (await client.ask('POST', '/drain', downtimeOf(options))) as Status;
      await wait(Object.keys(services), false, options.timeout);
      print(`all ${Object.keys(services).length} services are gone from the registry`);
    },

    handOff: async () => {
      await client.ask('POST', '/hand-off');
      print('nerve ends and leaves its announcements to the next one');
    },
  };
}

interface Report {
  readonly name: string;
  readonly passed: boolean;
  readonly reason?: string;
  readonly took: number;
}

function lineOf({ name, passed, reason, took }: Report): string {
  const result = passed ? 'passed' : 'failed';
  return `${name}: ${result} after ${took.toFixed(1)} ms${reason ? `: ${reason}` : ''}`;
}

function durationOf(option: string, text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  throw new UserError(`${option} ${text}: expected a duration such as 90s, 30m or 1h`);
}

function downtimeOf({ reason, for: span }: DowntimeOptions): object {
  const milliseconds = span === undefined ? undefined : durationOf('--for', span);
  return {
    ...(reason !== undefined && { reason }),
    ...(milliseconds !== undefined && { for: milliseconds }),
    owner: process.env.SUDO_USER ?? userInfo().username,
  };
}

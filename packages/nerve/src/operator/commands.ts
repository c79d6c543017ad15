import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { parseDuration, UserError } from '@smartstack/daemon';

import type { Client } from './client.ts';
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

/** How long `--wait` waits where nothing else is said, in milliseconds. */
const patience = 60_000;
/** How long a change of weight is waited for before it is said not to be confirmed yet, in milliseconds. */
const confirmation = 3_000;

/** Each command prints what a person wants to know, and rejects with a `UserError` when it could not be done. */
export function createCommands(client: Client, print: (text: string) => void) {
  const status = async () => (await client.ask('GET', '/status')) as Status;
  const order = async (service: string, what: string, body: object) =>
    (await client.ask(
      'POST',
      `/services/${encodeURIComponent(service)}/${what}`,
      body,
    )) as ServiceLine;

  async function waitUntil(
    services: readonly string[],
    announced: boolean,
    timeout: string | undefined,
  ): Promise<void> {
    const limit = timeout === undefined ? patience : durationOf('--timeout', timeout);
    const deadline = performance.now() + limit;
    for (;;) {
      const { services: lines, registry_away: isAway } = await status();
      const others = services.filter((name) => !isSo(lines[name], announced));
      if (others.length === 0) return;
      if (performance.now() > deadline) {
        const still = `${others.join(', ')}: still ${announced ? 'not ' : ''}announced after ${limit / 1000} s`;
        throw new UserError(`${still}${isAway ? whyAway(announced) : '; nerve status says why'}`);
      }
      await sleep(100);
    }
  }

  /** What became of a weight, once the registry has confirmed it or does not for a while. */
  async function weightSaid(service: string, what: string): Promise<string> {
    const deadline = performance.now() + confirmation;
    for (;;) {
      const { services, registry_away: isAway } = await status();
      const line = services[service];
      if (isAway)
        return `${service}: the registry does not answer; nerve announces ${what} once it does`;
      // One that is not up has it once it is.
      if (!line || line.confirmed || line.because !== 'up') return `${service} has ${what}`;
      if (performance.now() > deadline)
        return `${service}: ${what} is not confirmed yet: ${line.trouble ?? 'the registry has not answered'}; it is tried on, and nerve status says how it stands`;
      await sleep(50);
    }
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
      await order(service, 'down', downtimeOf(options));
      if (options.wait) await waitUntil([service], false, options.timeout);
      print(`${service} is taken down${options.wait ? ' and gone from the registry' : ''}`);
    },

    up: async (service: string | undefined, { wait, all, timeout }: UpOptions) => {
      if ((service === undefined) === !all)
        throw new UserError('name a service, or give --all for every one');
      if (service === undefined) {
        const { services } = (await client.ask('POST', '/up')) as Status;
        const names = Object.entries(services).filter(([, { state }]) => state === 'up');
        if (wait)
          await waitUntil(
            names.map(([name]) => name),
            true,
            timeout,
          );
        const count = Object.keys(services).length;
        return print(`all ${count} services may be announced again; ${names.length} are up`);
      }
      const { state } = await order(service, 'up', {});
      if (wait) await waitUntil([service], true, timeout);
      print(`${service} may be announced again${wait ? ', and is' : `; its checks say: ${state}`}`);
    },

    weight: async (service: string, weight: string) => {
      if (!/^(default|\d{1,6})$/.test(weight))
        throw new UserError(
          `cannot announce weight ${weight}: expected a whole number, or default`,
        );
      const number = weight === 'default' ? null : Number(weight);
      await order(service, 'weight', { weight: number });
      const what = number === null ? 'its configured weight' : `weight ${number}`;
      print(await weightSaid(service, what));
    },

    check: async (service: string) => {
      const reports = (await order(service, 'check', {})) as unknown as readonly Report[];
      for (const { name, passed, reason, took } of reports)
        print(
          `${name}: ${passed ? 'passed' : 'failed'} after ${took.toFixed(1)} ms${reason ? `: ${reason}` : ''}`,
        );
      if (reports.length === 0) print(`${service} has no checks`);
      if (reports.some(({ passed }) => !passed)) process.exitCode = 1;
    },

    drain: async (options: DowntimeOptions) => {
      const { services } = (await client.ask('POST', '/drain', downtimeOf(options))) as Status;
      await waitUntil(Object.keys(services), false, options.timeout);
      print(`all ${Object.keys(services).length} services are gone from the registry`);
    },

    handOff: async () => {
      await client.ask('POST', '/hand-off');
      print('nerve ends and leaves its announcements to the next one');
    },
  };
}

/** Whether a service is surely announced, or surely not: a record that may stand may be used. */
function isSo(line: ServiceLine | undefined, announced: boolean): boolean {
  if (announced) return line?.announced === true;
  return !(line?.announced || line?.may_stand);
}

interface Report {
  readonly name: string;
  readonly passed: boolean;
  readonly reason?: string;
  readonly took: number;
}

function whyAway(announced: boolean): string {
  return announced
    ? ': the registry does not answer; nerve announces it once it does'
    : ': the registry does not answer, so the record may stand and be used; nerve withdraws it once it does';
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

import { setTimeout as sleep } from 'node:timers/promises';

import {
  orExit,
  parseDuration,
  printable,
  type StatusAddress,
  statusAddress,
  UserError,
} from '@smartstack/daemon';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Client, createClient } from './client.ts';
import { type Comparison, comparisonText } from './compare.ts';
import type { Explanation } from './explain.ts';
import { explanationText, type ShownStatus, statusTable } from './shown.ts';
import { waitForMembers } from './wait.ts';

interface Where {
  readonly address?: StatusAddress;
}

const watchInterval = 1_000;

/** What a command's help says below its options. */
const exits = (codes: string) => `\nExits with ${codes}.`;

type ClientOf = (where: Where) => Promise<Client>;

/** Adds the commands that ask a running synapse; `addressOf` finds it where `--address` does not say. */
export function addOperatorCommands(
  program: Command,
  addressOf: () => Promise<StatusAddress>,
): void {
  const client: ClientOf = async ({ address }) =>
    createClient(address ?? (await orExit(addressOf())));
  addStatus(program, client);
  addExplain(program, client);
  addCompare(program, client);
  addWait(program, client);
  addAccept(program, client);
}

/** A command that takes `--address`. */
function add(program: Command, usage: string, texts: { summary: string; description: string }) {
  return program
    .command(usage)
    .summary(texts.summary)
    .description(texts.description)
    .addOption(
      new Option('-a, --address <host:port>', 'where synapse’s status is').argParser(parseAddress),
    );
}

function addStatus(program: Command, client: ClientOf): void {
  add(program, 'status', {
    summary: 'show services and members',
    description: 'Show every service, its members, and how many are up.',
  })
    .addHelpText('after', exits('0, or 1 when synapse cannot be asked'))
    .option('--json', 'all that synapse knows, as JSON')
    .option('--watch', 'again and again')
    .action(async (options: Where & { json?: boolean; watch?: boolean }) =>
      orExit(showStatus(await client(options), options)),
    );
}

function addExplain(program: Command, client: ClientOf): void {
  add(program, 'explain <service> [address]', {
    summary: 'say why a member is not there',
    description: 'Say where each member stopped, from discovery to proxy, and why.',
  })
    .addHelpText('after', exits('0, or 1 when synapse cannot be asked'))
    .option('--json', 'as JSON')
    .action(
      async (service: string, address: string | undefined, options: Where & { json?: boolean }) => {
        const asked = (await client(options)).get(`/v1/explain/${encodeURIComponent(service)}`);
        const explained = (await orExit(asked)) as Explanation;
        say(options.json ? json(explained) : explanationText(explained, address));
      },
    );
}

function addCompare(program: Command, client: ClientOf): void {
  add(program, 'compare <service>', {
    summary: 'compare what its registries have',
    description:
      'Say which members not every registry of a service has, and what the registries\nsay differently of one: before a move from one to another. For method multi.',
  })
    .addHelpText('after', exits(compareCodes))
    .option('--json', 'as JSON')
    .action(async (service: string, options: Where & { json?: boolean }) => {
      const asked = (await client(options)).get(`/v1/compare/${encodeURIComponent(service)}`);
      const compared = (await orExit(asked, 2)) as Comparison;
      say(options.json ? json(compared) : comparisonText(compared));
      process.exitCode = compared.equal === undefined ? 2 : compared.equal ? 0 : 1;
    });
}

const compareCodes =
  '0 when they have the same, 1 when they differ,\n2 when a registry does not answer or synapse cannot be asked';

function addWait(program: Command, client: ClientOf): void {
  add(program, 'wait <service>', {
    summary: 'wait until it has so many members',
    description: 'Wait until a service has so many members.',
  })
    .addHelpText('after', exits(waitCodes))
    .requiredOption('-m, --members <n>', 'at least this many', parseCount)
    .addOption(
      new Option('-t, --timeout <time>', 'how long to wait')
        .argParser(parseTime)
        .default(60_000, '60s'),
    )
    .action(async (service: string, options: Where & { members: number; timeout: number }) => {
      const waiting = waitForMembers(await client(options), { service, ...options });
      const { reached, members } = await orExit(waiting);
      say(`${service} has ${members} of ${options.members} members\n`);
      process.exitCode = reached ? 0 : 1;
    });
}

const waitCodes = '0 once it has, 1 when it has not in time or synapse cannot be asked';

function addAccept(program: Command, client: ClientOf): void {
  add(program, 'accept <service>', {
    summary: 'accept a loss that is held back',
    description: 'Believe a sudden loss of members that is held back.',
  })
    .addHelpText('after', exits('0, or 1 when none is held back or synapse cannot be asked'))
    .action(async (service: string, options: Where) => {
      const asked = (await client(options)).order(`/v1/accept/${encodeURIComponent(service)}`);
      const { accepted } = (await orExit(asked)) as { accepted: boolean };
      say(`${service}: ${accepted ? 'the loss is accepted' : 'nothing is held back'}\n`);
      process.exitCode = accepted ? 0 : 1;
    });
}

async function showStatus(
  client: Client,
  { json: all, watch }: { readonly json?: boolean; readonly watch?: boolean },
): Promise<void> {
  for (;;) {
    const text = await statusText(client, all).catch((error: unknown) => {
      // An operator who watches a restart wants to see its end.
      if (watch && error instanceof UserError) return `${error.message}\n`;
      throw error;
    });
    const clear = watch && process.stdout.isTTY ? '\u001b[2J\u001b[H' : '';
    say(`${clear}${text}`);
    if (!watch) return;
    await sleep(watchInterval);
  }
}

async function statusText(client: Client, all: boolean | undefined): Promise<string> {
  const status = (await client.get('/status')) as ShownStatus;
  return all ? json(status) : statusTable(status);
}

function say(text: string): void {
  process.stdout.write(printable(text));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function parseAddress(text: string): StatusAddress {
  const parsed = statusAddress.safeParse(text);
  if (!parsed.success || parsed.data === false)
    throw new InvalidArgumentError('expected host:port');
  return parsed.data;
}

function parseCount(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

function parseTime(text: string): number {
  const time = parseDuration(text);
  if (time === undefined) throw new InvalidArgumentError('expected a time such as 60s');
  return time;
}

/** The address of a configuration; throws a `UserError` where it has none. */
export function addressIn(address: StatusAddress | false): StatusAddress {
  if (address === false)
    throw new UserError(
      'synapse cannot be asked: its status_address is false; give it one, such as 127.0.0.1:9102',
    );
  return address;
}

import { dirname, resolve } from 'node:path';

import { orExit, printable } from '@smartstack/daemon';
import type { Command } from 'commander';

import { readConfigFile } from '../config/read-config-file.ts';
import { createClient } from './client.ts';
import { createCommands } from './commands.ts';
import { controlSocketIn } from './socket-path.ts';
import { defaultStateDirectory } from './state-directory.ts';

type Commands = ReturnType<typeof createCommands>;

/** Turns one of the client's commands into an action of commander's. */
type On = <A extends unknown[]>(
  pick: (commands: Commands) => (...args: A) => Promise<void>,
) => (...args: A) => Promise<void>;

/** Adds the commands that talk to the nerve that runs on this machine. */
export function addCommands(program: Command): void {
  const on: On =
    (pick) =>
    async (...args) => {
      const run = async () => {
        const socket = await socketOf(program.opts<{ config?: string }>().config);
        await pick(createCommands(createClient(socket), print))(...args);
      };
      await orExit(run());
    };
  addStatus(program, on);
  addDown(program, on);
  addUp(program, on);
  addWeight(program, on);
  addCheck(program, on);
  addDrain(program, on);
  addHandOff(program, on);
}

function addStatus(program: Command, on: On): void {
  program
    .command('status')
    .summary('show what is up, announced, and why not')
    .description('Show the services: whether they are up, announced, and why not.')
    .option('--json', 'everything that is known, as JSON')
    .option('--watch', 'again every second')
    .addHelpText('after', '\nExits with 0, or 1 when nerve cannot be asked.')
    .action(on(({ status }) => status));
}

function addDown(program: Command, on: On): void {
  program
    .command('down')
    .argument('<service>')
    .summary('take a service out of the registry')
    .description('Take a service out of the registry, whatever its checks say. Survives restarts.')
    .option('--reason <text>', 'why, for others to see')
    .option('--for <duration>', 'let it back by itself after 90s, 30m, 1h ...')
    .option('--wait', 'until the registry says that it is gone')
    .option('--timeout <duration>', 'for how long to wait (default: 60s)')
    .addHelpText(
      'after',
      '\nExits with 0, or 1 when nerve cannot be asked or it is not gone in time.',
    )
    .action(on(({ down }) => down));
}

function addUp(program: Command, on: On): void {
  program
    .command('up')
    .argument('[service]')
    .summary('let it back')
    .description('Let a service that was taken down back into the registry.')
    .option('--all', 'every service of this machine, as after a drain')
    .option('--wait', 'until it is there')
    .option('--timeout <duration>', 'for how long to wait (default: 60s)')
    .addHelpText(
      'after',
      '\nExits with 0, or 1 when nerve cannot be asked or it is not back in time.',
    )
    .action(on(({ up }) => up));
}

function addWeight(program: Command, on: On): void {
  program
    .command('weight')
    .argument('<service>')
    .argument('<n>', 'a whole number, or default')
    .summary('announce it with another weight')
    .description('Announce a service with another weight.')
    .addHelpText('after', '\nExits with 0, or 1 when nerve cannot be asked.')
    .action(on(({ weight }) => weight));
}

function addCheck(program: Command, on: On): void {
  program
    .command('check')
    .argument('<service>')
    .summary('run its checks once and explain')
    .description("Run a service's checks once and say how they went.")
    .addHelpText(
      'after',
      '\nExits with 0 when all passed, 1 when one failed or nerve cannot be asked.',
    )
    .action(on(({ check }) => check));
}

function addDrain(program: Command, on: On): void {
  program
    .command('drain')
    .summary('take every service of this machine out')
    .description(
      'Take every service of this machine out of the registry, and wait until all are gone.',
    )
    .option('--reason <text>', 'why, for others to see')
    .option('--for <duration>', 'let them back by themselves after 90s, 30m, 1h ...')
    .option('--timeout <duration>', 'for how long to wait (default: 60s)')
    .addHelpText(
      'after',
      '\nExits with 0 once all are gone, 1 when not in time or nerve cannot be asked.',
    )
    .action(on(({ drain }) => drain));
}

function addHandOff(program: Command, on: On): void {
  program
    .command('handoff')
    .summary('end nerve, leave its announcements to the next one')
    .description('End nerve and leave its announcements to the next one, for an upgrade.')
    .addHelpText('after', '\nExits with 0, or 1 when nerve cannot be asked.')
    .action(on(({ handOff }) => handOff));
}

/** The socket of nerve: in its configuration's state directory, or in the default one. */
async function socketOf(config: string | undefined): Promise<string> {
  if (config === undefined) return controlSocketIn(defaultStateDirectory());
  const { value } = await readConfigFile(config);
  const { state_directory: own } = (value ?? {}) as { state_directory?: unknown };
  const directory = typeof own === 'string' ? own : defaultStateDirectory();
  return controlSocketIn(resolve(dirname(config), directory));
}

function print(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

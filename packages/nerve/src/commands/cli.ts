import { dirname, resolve } from 'node:path';

import { orExit, readSource } from '@smartstack/daemon';
import type { Command } from 'commander';

import { controlSocketIn } from '../socket-path.ts';
import { defaultStateDirectory } from '../state-directory.ts';
import { createClient } from './client.ts';
import { createCommands } from './commands.ts';

type Commands = ReturnType<typeof createCommands>;

/** Adds the commands that talk to the nerve that runs on this machine. */
export function addCommands(program: Command): void {
  const on =
    <A extends unknown[]>(pick: (commands: Commands) => (...args: A) => Promise<void>) =>
    async (...args: A): Promise<void> => {
      const run = async () => {
        const socket = await socketOf(program.opts<{ config?: string }>().config);
        await pick(createCommands(createClient(socket), print))(...args);
      };
      await orExit(run());
    };

  program
    .command('status')
    .description('Show the services: whether they are up, announced, and why not.')
    .option('--json', 'everything that is known, as JSON')
    .option('--watch', 'again every second')
    .action(on(({ status }) => status));
  program
    .command('down')
    .argument('<service>')
    .description('Take a service out of the registry, whatever its checks say. Survives restarts.')
    .option('--reason <text>', 'why, for others to see')
    .option('--for <duration>', 'let it back by itself after 90s, 30m, 1h ...')
    .option('--wait', 'until it is gone from the registry')
    .action(on(({ down }) => down));
  program
    .command('up')
    .argument('<service>')
    .description('Let a service that was taken down back into the registry.')
    .option('--wait', 'until it stands there')
    .action(on(({ up }) => up));
  program
    .command('weight')
    .argument('<service>')
    .argument('<n>', 'a whole number, or default')
    .description('Announce a service with another weight.')
    .action(on(({ weight }) => weight));
  program
    .command('check')
    .argument('<service>')
    .description(
      "Run a service's checks once and say how they went (exits with 1 when one failed).",
    )
    .action(on(({ check }) => check));
  program
    .command('drain')
    .description(
      'Take every service of this machine out of the registry, and wait until all are gone.',
    )
    .option('--reason <text>', 'why, for others to see')
    .option('--for <duration>', 'let them back by themselves after 90s, 30m, 1h ...')
    .action(on(({ drain }) => drain));
  program
    .command('handoff')
    .description('End nerve and leave its announcements to the next one, for an upgrade.')
    .action(on(({ handOff }) => handOff));
}

/** Where nerve listens: in its configuration's state directory, or in the default one. */
async function socketOf(config: string | undefined): Promise<string> {
  if (config === undefined) return controlSocketIn(defaultStateDirectory());
  const { value } = await readSource(config);
  const { state_directory: own } = (value ?? {}) as { state_directory?: unknown };
  const directory = typeof own === 'string' ? own : defaultStateDirectory();
  return controlSocketIn(resolve(dirname(config), directory));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

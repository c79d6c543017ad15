import { orExit, sayOk, sayWarnings, strictOption, writeStarter } from '@smartstack/daemon';
import type { Command } from 'commander';

import { loadConfig } from './config.ts';
import { explain } from './explain.ts';
import { starter } from './starter.ts';

export interface CheckOptions {
  readonly explain?: boolean | undefined;
  readonly strict?: boolean | undefined;
}

/** Adds the commands that are about synapse's file, which `fileOrExit` names. */
export function addFileCommands(program: Command, fileOrExit: () => string): void {
  addInit(program);
  addCheckConfig(program, fileOrExit);
}

function addInit(program: Command): void {
  program
    .command('init')
    .argument('[file]', 'where to', 'synapse.yaml')
    .summary('write a file to start from')
    .description('Write a commented configuration to start from.')
    .option('-f, --force', 'overwrite a file that is there')
    .addHelpText('after', '\nExits with 0, or 1 when the file is there or cannot be written.')
    .action(async (file: string, { force = false }: { force?: boolean }) => {
      await orExit(writeStarter(file, starter(), force));
      say(
        `${file}: written; adapt it, then:\n  synapse check-config -c ${file}\n  synapse -c ${file}`,
      );
    });
}

function addCheckConfig(program: Command, fileOrExit: () => string): void {
  program
    .command('check-config')
    .summary('say whether the file is good (-k)')
    .description('Say whether the configuration is good, with every problem.')
    .option('--explain', 'say what it means, and what is better now')
    .option(...strictOption)
    .addHelpText('after', '\nExits with 0 when it is good, 1 when it is not.')
    .action(async (options: CheckOptions) => {
      const { strict } = program.opts<CheckOptions>();
      await checkConfig(fileOrExit(), { ...options, strict: options.strict || strict });
    });
}

/** Says whether a configuration is good, and what it means where that is asked for; ends the process with 1 where it is bad. */
export async function checkConfig(file: string, options: CheckOptions): Promise<void> {
  const { explain: explained, strict } = options;
  const { config, source, warnings } = await orExit(loadConfig(file, { strict }));
  sayWarnings(warnings);
  sayOk(file, Object.keys(config.services).length);
  if (explained) say(`\n${explain(config, source.value)}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

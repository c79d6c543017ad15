import { orExit, sayOk, sayWarnings, strictOption, writeStarter } from '@smartstack/daemon';
import type { Command } from 'commander';
import { explain } from './explain.ts';
import { loadConfig } from './load-config.ts';
import { starter } from './starter.ts';

/** The error of a command without a configuration. */
export const noConfiguration =
  'error: no configuration is given: name one with -c FILE, or write one with nerve init';

interface Options {
  readonly config?: string;
  readonly instance_id?: string;
  readonly strict?: boolean;
}

interface CheckOptions {
  readonly explain?: boolean;
  readonly strict?: boolean;
}

/** Adds the commands for nerve's configuration file. */
export function addFileCommands(program: Command): void {
  addInit(program);
  addCheckConfig(program);
}

function addInit(program: Command): void {
  program
    .command('init')
    .argument('[file]', 'where to', 'nerve.yaml')
    .summary('write a commented configuration to start from')
    .description('Write a commented configuration to start from.')
    .option('-f, --force', 'overwrite a file that is there')
    .addHelpText('after', '\nExits with 0, or 1 when the file is there or cannot be written.')
    .action(async (file: string, { force = false }: { force?: boolean }) => {
      await orExit(writeStarter(file, starter(), force));
      say(`${file}: written; adapt it, then:\n  nerve check-config -c ${file}\n  nerve -c ${file}`);
    });
}

function addCheckConfig(program: Command): void {
  program
    .command('check-config')
    .summary('say whether the configuration is good (-k)')
    .description('Say whether the configuration is good, with every problem.')
    .option('--explain', 'say what it means, and what is better now')
    .option(...strictOption)
    .addHelpText('after', '\nExits with 0 when it is good, 1 when it is not.')
    .action(async ({ explain: explained, strict = false }: CheckOptions) => {
      const { config: file, instance_id: instanceId } = program.opts<Options>();
      if (file === undefined) return program.error(noConfiguration);
      const options = { instanceId, strict: strict || program.opts<Options>().strict };
      const { config, source, warnings } = await orExit(loadConfig(file, options));
      sayWarnings(warnings);
      sayOk(file, config.services.length);
      if (explained) say(`\n${explain(config, source.value)}`);
    });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

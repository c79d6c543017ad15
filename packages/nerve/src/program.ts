import { logLevelOption, strictOption, versionOf } from '@smartstack/daemon';
import { Command, Option } from 'commander';
import { addFileCommands } from './config/cli.ts';
import { runDaemonCommand } from './daemon-command.ts';
import { addCommands } from './operator/cli.ts';

const description = `Checks the services of this machine and announces the healthy ones.
Exits with 0 when done, 1 when something failed. COMMAND --help says more.`;

/** The whole command line: the daemon, and the commands to one that runs. */
export function createProgram(): Command {
  const program = new Command('nerve')
    .description(description)
    .showHelpAfterError('(--help says what there is)')
    .version(versionOf(import.meta.url))
    .addOption(new Option('-c, --config <file>', 'configuration, YAML or JSON').env('NERVE_CONFIG'))
    .addOption(new Option('-i, --instance_id <id>', "this machine's name").env('NERVE_INSTANCE_ID'))
    .addOption(new Option('-k, --check-config', 'as check-config').env('NERVE_CHECK_CONFIG'))
    .option(...strictOption)
    .option(...logLevelOption)
    .action(runDaemonCommand);

  addFileCommands(program);
  addCommands(program);
  return program;
}

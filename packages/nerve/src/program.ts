import { logLevels, versionOf } from '@smartstack/daemon';
import { Command, Option } from 'commander';

import { addCommands } from './commands/cli.ts';
import { runDaemonCommand } from './daemon-command.ts';
import { addFileCommands } from './file/cli.ts';

const example = `
Example of a configuration:
  instance_id: web-1                # this machine's name
  zookeeper: {hosts: [zk1:2181]}    # or  registry: {type: file, directory: /var/lib/smartstack}
  services:
    web:
      host: 10.0.0.1                # announced, and checked, at this address
      port: 3000
      zk_path: /services/web
      checks:
        - {type: http, uri: /health}

SIGTERM or SIGINT withdraws every service and then ends nerve. SIGHUP reads the configuration again.
SIGUSR2 ends nerve and leaves the announcements to the next one (for an upgrade).`;

/** The whole command line: the daemon, and the commands to one that runs. */
export function createProgram(): Command {
  const program = new Command('nerve')
    .description('Checks the services of this machine and announces the healthy ones.')
    .version(versionOf(import.meta.url))
    .addOption(new Option('-c, --config <file>', 'configuration, YAML or JSON').env('NERVE_CONFIG'))
    .addOption(
      new Option(
        '-i, --instance_id <id>',
        "this machine's name, instead of the configuration's",
      ).env('NERVE_INSTANCE_ID'),
    )
    .addOption(
      new Option(
        '-k, --check-config',
        'say whether the configuration is good, then exit (0 good, 1 bad)',
      ).env('NERVE_CHECK_CONFIG'),
    )
    .addOption(
      new Option('--log-level <level>', 'least important messages to log')
        .choices(logLevels)
        .default('info'),
    )
    .addHelpText('after', example)
    .action(runDaemonCommand);

  addFileCommands(program);
  addCommands(program);
  return program;
}

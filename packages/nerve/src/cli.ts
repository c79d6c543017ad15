import {
  createLog,
  createMetrics,
  type LogLevel,
  logLevels,
  orExit,
  runDaemon,
  sayOk,
  versionOf,
} from '@smartstack/daemon';
import { createRegistries, sessionOptionsOf } from '@smartstack/registry';
import { Command, Option } from 'commander';

import { loadConfig } from './load-config.ts';
import { runNerve } from './nerve.ts';

interface Options {
  readonly config: string;
  readonly instance_id?: string;
  readonly checkConfig?: boolean;
  readonly logLevel: LogLevel;
}

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

SIGTERM or SIGINT withdraws every service and then ends nerve.`;

const program = new Command('nerve')
  .description('Checks the services of this machine and announces the healthy ones.')
  .version(versionOf(import.meta.url))
  .addOption(
    new Option('-c, --config <file>', 'configuration, YAML or JSON')
      .env('NERVE_CONFIG')
      .makeOptionMandatory(),
  )
  .addOption(
    new Option('-i, --instance_id <id>', "this machine's name, instead of the configuration's").env(
      'NERVE_INSTANCE_ID',
    ),
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
  .action(main);

await program.parseAsync();

async function main(options: Options): Promise<void> {
  const { config: file, instance_id: instanceId, checkConfig, logLevel } = options;
  const config = await orExit(loadConfig(file, instanceId));
  if (checkConfig) return sayOk(file, config.services.length);
  const log = createLog('nerve', logLevel);
  const metrics = createMetrics({ process: true });
  const session = await orExit(sessionOptionsOf(config.zookeeper));
  await runDaemon(
    async (signal) => {
      await using registries = createRegistries({ session, log, metrics });
      await runNerve(config, { registries, log, metrics }, signal);
    },
    { log },
  );
}

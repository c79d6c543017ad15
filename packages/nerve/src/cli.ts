import {
  createLatest,
  createLog,
  createMetrics,
  type LogLevel,
  logLevels,
  messageOf,
  orExit,
  runDaemon,
  sayOk,
  versionOf,
} from '@smartstack/daemon';
import { sessionOptionsOf } from '@smartstack/registry';
import { Command, Option } from 'commander';

import type { Config } from './config.ts';
import { loadConfig } from './load-config.ts';
import { runWithState } from './run.ts';

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

SIGTERM or SIGINT withdraws every service and then ends nerve. SIGHUP reads the configuration again.
SIGUSR2 ends nerve and leaves the announcements to the next one (for an upgrade).`;

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
  const reloads = createLatest<Config>();
  const read = () =>
    loadConfig(file, instanceId).then(reloads.set, (error: unknown) =>
      log.error({ reason: messageOf(error) }, 'the configuration is bad: the old one stays'),
    );
  await runDaemon((signal) => runWithState(config, { session, log, metrics, reloads }, signal), {
    log,
    deadline: 10_000 + config.drain,
    onHangup: () => void read(),
  });
}

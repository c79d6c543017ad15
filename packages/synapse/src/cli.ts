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
import { Command, Option } from 'commander';

import { loadConfig } from './config.ts';
import { runSynapse } from './synapse.ts';

interface Options {
  readonly config: string;
  readonly checkConfig?: boolean;
  readonly logLevel: LogLevel;
}

const example = `
Example of a configuration:
  zookeeper: {hosts: [zk1:2181]}    # or  registry: {type: file, directory: /var/lib/smartstack}
  services:
    web:
      discovery: {method: zookeeper, path: /services/web}
      haproxy:
        port: 3213                  # apps on this machine connect to 127.0.0.1:3213
        listen: [mode http]

SIGTERM or SIGINT ends synapse. Its HAProxy goes on serving, and the next synapse takes it over
(haproxy.on_exit: stop ends it too).`;

const program = new Command('synapse')
  .description('Follows the services that this machine uses and keeps its local proxy in step.')
  .version(versionOf(import.meta.url))
  .addOption(
    new Option('-c, --config <file>', 'configuration, YAML or JSON')
      .env('SYNAPSE_CONFIG')
      .makeOptionMandatory(),
  )
  .option('-k, --check-config', 'say whether the configuration is good, then exit (0 good, 1 bad)')
  .addOption(
    new Option('--log-level <level>', 'least important messages to log')
      .choices(logLevels)
      .default('info'),
  )
  .addHelpText('after', example)
  .action(main);

await program.parseAsync();

async function main({ config: file, checkConfig, logLevel }: Options): Promise<void> {
  const loaded = await orExit(loadConfig(file));
  if (checkConfig) return sayOk(file, Object.keys(loaded.config.services).length);
  const log = createLog('synapse', logLevel);
  const metrics = createMetrics({ process: true });
  await runDaemon((signal) => runSynapse(loaded, { log, metrics }, signal), { log });
}

import { createRequire } from 'node:module';

import {
  createLog,
  createMetrics,
  type LogLevel,
  logLevels,
  runDaemon,
  UserError,
} from '@smartstack/daemon';
import { Command, Option } from 'commander';

import { type LoadedConfig, loadConfig } from './config.ts';
import { runSynapse } from './synapse.ts';

interface Options {
  readonly config: string;
  readonly checkConfig?: boolean;
  readonly logLevel: LogLevel;
}

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const program = new Command('synapse')
  .description('Follows the services that this machine uses and keeps its local proxy in step.')
  .version(version)
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
  .addHelpText(
    'after',
    '\nSIGTERM or SIGINT ends synapse; its HAProxy goes on serving and is taken over by the next synapse\n(unless haproxy.on_exit is stop).',
  )
  .action(main);

await program.parseAsync();

async function main({ config: file, checkConfig, logLevel }: Options): Promise<void> {
  const loaded = await loadOrExit(file);
  if (checkConfig) {
    const count = Object.keys(loaded.config.services).length;
    process.stdout.write(`${file}: ok, ${count} service${count === 1 ? '' : 's'}\n`);
    return;
  }
  const log = createLog('synapse', logLevel);
  const metrics = createMetrics({ process: true });
  await runDaemon((signal) => runSynapse(loaded, { log, metrics }, signal), { log });
}

async function loadOrExit(file: string): Promise<LoadedConfig> {
  try {
    return await loadConfig(file);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

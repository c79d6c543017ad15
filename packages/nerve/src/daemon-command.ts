import {
  createLastGood,
  createLatest,
  createLog,
  createMetrics,
  createWarningLog,
  type LastGood,
  type Log,
  type LogLevel,
  orExit,
  runDaemon,
  sayOk,
  sayWarnings,
} from '@smartstack/daemon';
import { sessionOptionsOf } from '@smartstack/registry';
import type { Command } from 'commander';
import { noConfiguration } from './config/cli.ts';
import type { Config } from './config/config.ts';
import { type LoadedConfig, loadConfig } from './config/load-config.ts';
import { readConfigFile } from './config/read-config-file.ts';
import { runWithState } from './run.ts';

interface Options {
  readonly config?: string;
  readonly instance_id?: string;
  readonly checkConfig?: boolean;
  readonly strict?: boolean;
  readonly logLevel?: LogLevel;
}

/** `nerve` without a command: the daemon, or the check of its configuration. */
export async function runDaemonCommand(options: Options, command: Command): Promise<void> {
  const { config: file, instance_id: instanceId, checkConfig, logLevel, strict } = options;
  if (file === undefined) return command.error(noConfiguration);
  const source = createLastGood(readConfigFile, (readService) =>
    loadConfig(file, { instanceId, strict, readService }),
  );
  const { config, warnings } = await orExit(source.load());
  if (checkConfig) {
    sayWarnings(warnings);
    return sayOk(file, config.services.length);
  }
  await start({ config, warnings }, source, createLog('nerve', logLevel));
}

/** Runs the daemon; SIGHUP reads its configuration again from the source. */
async function start(
  { config, warnings }: Pick<LoadedConfig, 'config' | 'warnings'>,
  source: LastGood<LoadedConfig>,
  log: Log,
): Promise<void> {
  const logWarnings = createWarningLog(log);
  logWarnings(warnings);
  const metrics = createMetrics({ process: true });
  const session = await orExit(sessionOptionsOf(config.zookeeper));
  const hangups = createLatest<void>();
  const reloads = (signal: AbortSignal) =>
    readAgain(source, hangups.values(signal), { log, logWarnings });
  await runDaemon((signal) => runWithState(config, { session, log, metrics, reloads }, signal), {
    log,
    deadline: 10_000 + config.drain,
    onHangup: hangups.set,
  });
}

/** Yields the configuration at each request when it is good; a service's file that is bad keeps its last good content. */
async function* readAgain(
  source: LastGood<LoadedConfig>,
  requests: AsyncIterable<void>,
  { log, logWarnings }: { readonly log: Log; logWarnings(warnings: readonly string[]): void },
): AsyncGenerator<Config, void> {
  for await (const _ of requests) {
    const { loaded, problems } = await source.loadAgain();
    const kept = loaded ? 'the services that it is about stay as they are' : 'the old one stays';
    if (problems.length > 0) log.error({ problems }, `the configuration is bad: ${kept}`);
    if (!loaded) continue;
    logWarnings(loaded.warnings);
    yield loaded.config;
  }
}

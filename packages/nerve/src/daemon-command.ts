import {
  createLatest,
  createLog,
  createMetrics,
  type LogLevel,
  messageOf,
  orExit,
  runDaemon,
  sayOk,
} from '@smartstack/daemon';
import { sessionOptionsOf } from '@smartstack/registry';
import type { Command } from 'commander';

import type { Config } from './config.ts';
import { noConfiguration } from './file/cli.ts';
import { loadConfig } from './load-config.ts';
import { runWithState } from './run.ts';

interface Options {
  readonly config?: string;
  readonly instance_id?: string;
  readonly checkConfig?: boolean;
  readonly logLevel: LogLevel;
}

/** `nerve` without a command: the daemon, or the check of its configuration. */
export async function runDaemonCommand(options: Options, command: Command): Promise<void> {
  const { config: file, instance_id: instanceId, checkConfig, logLevel } = options;
  if (file === undefined) return command.error(noConfiguration);
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

import {
  createDeadline,
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
import { addOperatorCommands, addressIn } from './operator/commands.ts';
import { diffOf, previewOnce } from './preview.ts';
import { createReloader } from './reload.ts';
import { runSynapse } from './synapse.ts';

interface Options {
  readonly config?: string;
  readonly checkConfig?: boolean;
  readonly logLevel: LogLevel;
}

/** Where synapse's status is unless a configuration says another place. */
const defaults = { status_address: { host: '127.0.0.1', port: 9102 } } as const;

const example = `
Example of a configuration:
  zookeeper: {hosts: [zk1:2181]}    # or  registry: {type: file, directory: /var/lib/smartstack}
  services:
    web:
      discovery: {method: zookeeper, path: /services/web}
      haproxy:
        port: 3213                  # apps on this machine connect to 127.0.0.1:3213
        listen: [mode http]

SIGHUP reads the configuration again; files of service_conf_dir are seen by themselves.
SIGTERM or SIGINT ends synapse. Its HAProxy goes on serving, and the next synapse takes it over
(haproxy.on_exit: stop ends it too).`;

const program = new Command('synapse')
  .description('Follows the services that this machine uses and keeps its local proxy in step.')
  .version(versionOf(import.meta.url))
  .addOption(new Option('-c, --config <file>', 'configuration, YAML or JSON').env('SYNAPSE_CONFIG'))
  .option('-k, --check-config', 'say whether the configuration is good, then exit (0 good, 1 bad)')
  .addOption(
    new Option('--log-level <level>', 'least important messages to log')
      .choices(logLevels)
      .default('info'),
  )
  .addHelpText('after', example)
  .action(main);

program
  .command('render')
  .description('Print the HAProxy file that synapse would write now, and touch nothing.')
  .action(render);
program
  .command('diff')
  .description(
    'Print what synapse would change now, in the file and by command, and touch nothing.\nExits with 0 when nothing would change, 1 when something would, 2 when that cannot be said.',
  )
  .action(diff);

program
  .command('check-config')
  .description(
    'Say whether the configuration is good: exits with 0 when it is, 1 with every problem.',
  )
  .action(checkConfig);
addOperatorCommands(program, async () => {
  const { config: file } = program.opts<Options>();
  const { config } = file === undefined ? { config: defaults } : await loadConfig(file);
  return addressIn(config.status_address);
});

await program.parseAsync();

/** The configuration file, without which there is nothing to do. */
function fileOrExit(): string {
  const { config } = program.opts<Options>();
  return config ?? program.error("error: required option '-c, --config <file>' not specified");
}

async function checkConfig(): Promise<void> {
  const file = fileOrExit();
  const { config } = await orExit(loadConfig(file));
  sayOk(file, Object.keys(config.services).length);
}

async function main({ checkConfig: onlyCheck, logLevel }: Options): Promise<void> {
  if (onlyCheck) return checkConfig();
  const file = fileOrExit();
  const reloader = createReloader(file, () => log);
  const loaded = await orExit(reloader.load());
  const log = createLog('synapse', logLevel);
  const metrics = createMetrics({ process: true });
  await runDaemon((signal) => runSynapse(loaded, { log, metrics, reloads: reloader }, signal), {
    log,
    onHangup: reloader.request,
  });
}

async function render(): Promise<void> {
  const { text, complaints } = await previewOrExit(1);
  process.stderr.write(complaints.map((line) => `synapse: ${line}\n`).join(''));
  process.stdout.write(text);
}

async function diff(): Promise<void> {
  const previewed = await previewOrExit(2);
  process.stderr.write(previewed.complaints.map((line) => `synapse: ${line}\n`).join(''));
  const difference = diffOf(previewed);
  process.stdout.write(difference);
  process.exitCode = difference === '' ? 0 : 1;
}

async function previewOrExit(code: number) {
  const loaded = await orExit(loadConfig(fileOrExit()), code);
  using deadline = createDeadline(60_000);
  return await orExit(previewOnce(loaded, deadline.signal), code);
}

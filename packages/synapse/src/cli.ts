import './v8-flags.ts';

import {
  captureWarnings,
  createDeadline,
  createLog,
  createMetrics,
  endWithReader,
  type LogLevel,
  logLevelOption,
  orExit,
  runDaemon,
  strictOption,
  versionOf,
} from '@smartstack/daemon';
import { Command, Option } from 'commander';
import { addFileCommands, checkConfig } from './config/cli.ts';
import { loadConfig } from './config/config.ts';
import { createReloader } from './config/reload.ts';
import { addClientFileCommands } from './operator/client-files.ts';
import { addOperatorCommands, addressIn } from './operator/commands.ts';
import { addPolicyCommands } from './operator/policy/commands.ts';
import { previewOnce, rendered } from './operator/preview.ts';
import { allProxies } from './proxies.ts';
import { runSynapse } from './synapse.ts';

interface Options {
  readonly config?: string;
  readonly checkConfig?: boolean;
  readonly strict?: boolean;
  readonly logLevel?: LogLevel;
}

captureWarnings();

/** Where synapse's status is unless a configuration says another place. */
const defaults = { status_address: { host: '127.0.0.1', port: 9102 } } as const;

const description = `Follows the services that this machine uses and keeps its local proxy in step.
Exits with 0 when done, 1 when something failed. COMMAND --help says more.`;

const titles = allProxies.map(({ title }) => title).join(' or ');

const program = new Command('synapse')
  .description(description)
  .showHelpAfterError('(--help says what there is)')
  .configureHelp({ minWidthToWrap: 30, subcommandTerm: termOf })
  .version(versionOf(import.meta.url))
  .addOption(new Option('-c, --config <file>', 'configuration').env('SYNAPSE_CONFIG'))
  .option('-k, --check-config', 'as check-config')
  // Who reads this has found it; a screen has 24 lines.
  .addHelpOption(new Option('-h, --help').hideHelp())
  .option(...strictOption)
  .option(...logLevelOption)
  .action(main);

addFileCommands(program, fileOrExit);
program
  .command('render')
  .summary(`print what ${titles} is to run`)
  .description(`Print what ${titles} is to run, a file each, and touch nothing.`)
  .addOption(
    new Option('-p, --proxy <name>', 'of one proxy only').choices(
      allProxies.map(({ name }) => name),
    ),
  )
  .addHelpText('after', '\nExits with 0, or 1 when that cannot be determined.')
  .action(render);
program
  .command('diff')
  .summary('print what would change now')
  .description(
    'Print what synapse would change now, in the file and by command, and touch nothing.',
  )
  .addHelpText(
    'after',
    '\nExits with 0 when nothing would change, 1 when something would, 2 when that\ncannot be determined.',
  )
  .action(diff);
addPolicyCommands(program, fileOrExit);
addClientFileCommands(program, fileOrExit);
addOperatorCommands(program, async () => {
  const { config: file } = program.opts<Options>();
  const { config } = file === undefined ? { config: defaults } : await loadConfig(file);
  return addressIn(config.status_address);
});

endWithReader();
await program.parseAsync();

/** A command with its arguments: that it has options is said by its own help. */
function termOf(command: Command): string {
  const words = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  return [command.name(), ...words].join(' ');
}

/** The configuration file, without which there is nothing to do. */
function fileOrExit(): string {
  const { config } = program.opts<Options>();
  return (
    config ??
    program.error(
      'error: no configuration is given: name one with -c FILE, or write one with synapse init',
    )
  );
}

async function main({ checkConfig: onlyCheck, logLevel, strict }: Options): Promise<void> {
  if (onlyCheck) return checkConfig(fileOrExit(), { strict });
  const file = fileOrExit();
  const reloader = createReloader(file, { log: () => log, strict });
  // Node would end for a SIGHUP that comes while the configuration is read.
  process.on('SIGHUP', reloader.request);
  const loaded = await orExit(reloader.load());
  const log = createLog('synapse', logLevel);
  const metrics = createMetrics({ process: true });
  await runDaemon((signal) => runSynapse(loaded, { log, metrics, reloads: reloader }, signal), {
    log,
    onHangup: () => {},
  });
}

async function render({ proxy }: { readonly proxy?: string }): Promise<void> {
  const previewed = await previewOrExit(1);
  process.stderr.write(previewed.complaints.map((line) => `synapse: ${line}\n`).join(''));
  process.stdout.write(rendered(previewed, proxy));
}

async function diff(): Promise<void> {
  const previewed = await previewOrExit(2);
  process.stderr.write(previewed.complaints.map((line) => `synapse: ${line}\n`).join(''));
  const { diffOf } = await import('./operator/difference.ts');
  const difference = diffOf(previewed);
  process.stdout.write(difference);
  process.exitCode = difference === '' ? 0 : 1;
}

async function previewOrExit(code: number) {
  const loaded = await orExit(loadConfig(fileOrExit()), code);
  using deadline = createDeadline(60_000);
  return await orExit(previewOnce(loaded, deadline.signal), code);
}

import { nearest, orExit, UserError, writeFileAtomic } from '@smartstack/daemon';
import type { ClientFile, ClientFileText, ProxyKind } from '@smartstack/proxy';
import type { Command } from 'commander';

import { loadConfig, type SynapseConfig } from '../config/config.ts';
import { configuredServices } from '../config/conflicts.ts';
import { policyOf } from '../config/policy.ts';
import { allProxies, sectionOf } from '../proxies.ts';

interface Options {
  readonly service?: string;
  readonly output?: string;
  readonly socket?: boolean;
}

/** Adds a command for each file by which applications need no proxy; `fileOrExit` names the configuration. */
export function addClientFileCommands(program: Command, fileOrExit: () => string): void {
  for (const kind of allProxies)
    for (const file of kind.clientFiles ?? []) addCommand(program, { kind, file }, fileOrExit);
}

interface Printed {
  readonly kind: ProxyKind;
  readonly file: ClientFile;
}

function addCommand(program: Command, { kind, file }: Printed, fileOrExit: () => string): void {
  program
    .command(file.command)
    .summary(file.summary)
    .description(file.description)
    .option('-s, --service <name>', 'for one service only')
    .option('-o, --output <file>', 'write it there')
    .option('--socket', 'by the UNIX socket in place of the address')
    .addHelpText('after', '\nExits with 0, or 1 when there is none.')
    .action(async (options: Options) => {
      const printed = orExit(
        loadConfig(fileOrExit()).then(({ config }) => textOf({ kind, file }, config, options)),
      );
      const { text, notes } = await printed;
      process.stderr.write(notes.map((note) => `synapse: ${note}\n`).join(''));
      if (options.output === undefined) process.stdout.write(text);
      else await orExit(written(options.output, text));
    });
}

function textOf({ kind, file }: Printed, config: SynapseConfig, options: Options): ClientFileText {
  const { service: only, socket: isSocket = false } = options;
  const services = configuredServices(config, kind.name, (_, service) => policyOf(service, config));
  if (only !== undefined && !services.has(only)) throw new UserError(unknown(only, services));
  return file.of(sectionOf(config, kind.name), { services, only, isSocket });
}

function unknown(name: string, services: ReadonlyMap<string, unknown>): string {
  const near = nearest(name, [...services.keys()]);
  return `there is no service ${name}${near === undefined ? '' : `; did you mean ${near}?`}`;
}

async function written(path: string, text: string): Promise<void> {
  try {
    await writeFileAtomic(path, text);
  } catch (cause) {
    throw new UserError(`cannot write ${path}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

import { type Log, messageOf, readRegularText, UserError } from '@smartstack/daemon';
import { atLeast, descriptorLimit, maxconnFor, takeLock } from '@smartstack/proxy';
import { type HaproxyConfig, isManaged } from '../config/config.ts';
import { policyFiles } from '../policy/files.ts';
import type { CheckOptions } from '../reload/check.ts';
import { createFrontendNames } from '../render/frontend-names.ts';
import type { LayoutSettings } from '../render/layout.ts';
import { capabilitiesOf, oldest } from '../render/version.ts';
import { startsWith } from '../render/words.ts';
import { readWritten, type WrittenFile } from '../render/written.ts';
import { createRuntime, type Runtime } from '../runtime/admin-socket.ts';
import { createExternal } from './external.ts';
import { type Loader, runningAt } from './loader.ts';
import { haproxyAccount, inspectProgram, type Program } from './machine.ts';
import { createManaged } from './managed.ts';
import { externalPaths, type ManagedPaths, managedPaths, type Paths } from './paths.ts';

/** What a driver finds on this machine and works with. */
export interface Environment {
  readonly managed: ManagedPaths | undefined;
  readonly paths: Paths;
  readonly settings: LayoutSettings;
  readonly loader: Loader;
  readonly runtimes: readonly Runtime[];
  /** How files are checked; undefined where there is no HAProxy program. */
  readonly check: CheckOptions | undefined;
  /**
   * The stats socket's file was removed: the next reload is to make a new one. HAProxy hands the old socket
   * over to the next worker for as long as its path is spelled the same.
   */
  renewSocket(): void;
  /** The file on disk, read as one of synapse's. */
  readonly written: WrittenFile | undefined;
}

/** Finds out what there is; starts and changes nothing. */
export async function survey(
  config: HaproxyConfig,
  log: Log,
  signal: AbortSignal,
): Promise<Environment> {
  return isManaged(config)
    ? surveyManaged(config, log, signal)
    : surveyExternal(config, log, signal);
}

/** Takes the lock of a managed HAProxy until disposed of. */
export async function claim(environment: Environment): Promise<AsyncDisposable | undefined> {
  await makeFolders(environment);
  return (
    environment.managed &&
    takeLock(
      environment.managed.lock,
      'stop that one, or give this one another haproxy.run_directory',
    )
  );
}

/** Makes the folders that are missing, also those that were removed meanwhile. */
export async function makeFolders({ managed, paths }: Environment): Promise<void> {
  if (managed) await mkdir(managed.directory, { recursive: true, mode: 0o700 });
  if (paths.config !== undefined) await mkdir(dirname(paths.config), { recursive: true });
}

async function surveyManaged(
  config: HaproxyConfig,
  log: Log,
  signal: AbortSignal,
): Promise<Environment> {
  const paths = managedPaths(config);
  refuseLongPaths(paths);
  const program = await inspectProgram(config, signal);
  refuseOld(program, config.binary);
  if (config.global?.some((line) => startsWith(line, 'daemon')))
    log.warn(
      { fix: 'take it out of haproxy.global' },
      'the global line daemon was left out: synapse runs HAProxy itself',
    );
  const limit = await descriptorLimit();
  const around = {
    socket: paths.sockets[0],
    stateFile: paths.serversState,
    maxconn: config.maxconn ?? maxconnFor(limit),
    account: await haproxyAccount(),
  };
  const loader = createManaged(config, paths, log);
  const runtimes = paths.sockets.map((path) => createRuntime(path));
  const running = await versionAt(runtimes, signal);
  return {
    managed: paths,
    paths,
    settings: {
      config,
      around,
      files: { ...policyFiles(paths.config), ...(!program.lua && { lua: undefined }) },
      capabilities: capabilitiesOf(running ?? program.version),
      frontends: createFrontendNames([program.version, running]),
      stats:
        config.stats_address === false
          ? undefined
          : { address: config.stats_address, exporter: program.exporter },
    },
    loader,
    runtimes,
    renewSocket: () => {
      around.socket &&= `${dirname(around.socket)}/./${basename(around.socket)}`;
    },
    check: { binary: config.binary, timeout: config.check_timeout },
    written: await readOld(paths.config),
  };
}

/** A socket's path has at most 107 characters, and HAProxy adds some for a temporary one. */
function refuseLongPaths({ master, sockets }: ManagedPaths): void {
  const long = [master, ...sockets].find((path) => path.length > 90);
  if (long === undefined) return;
  throw new UserError(
    `cannot use ${long}: too long for a socket's path; choose a shorter haproxy.run_directory`,
  );
}

function refuseOld({ version }: Program, binary: string): void {
  if (atLeast(version, oldest)) return;
  throw new UserError(
    `cannot use ${binary}: it is HAProxy ${version}, too old; ${oldest} or newer is needed: install one, or name it with haproxy.binary`,
  );
}

async function surveyExternal(
  config: HaproxyConfig,
  log: Log,
  signal: AbortSignal,
): Promise<Environment> {
  const paths = externalPaths(config);
  const runtimes = paths.sockets.map((path) => createRuntime(path));
  const program = await programIfAny(config, log, signal);
  const running = await versionAt(runtimes, signal);
  return {
    managed: undefined,
    paths,
    settings: {
      ...externalSettings(config, paths, running ?? program?.version),
      frontends: createFrontendNames([program?.version, running]),
    },
    loader: createExternal(config, paths),
    runtimes,
    renewSocket: () => {},
    check: checkOf(config, program),
    written: paths.config === undefined ? undefined : await readOld(paths.config),
  };
}

/** A HAProxy that something else runs needs no lines of synapse's own; only its stats socket and version are known. */
function externalSettings(
  config: HaproxyConfig,
  { config: file = 'haproxy.cfg', sockets: [socket] }: Paths,
  version = '2.6',
): LayoutSettings {
  const around = { socket, stateFile: undefined, maxconn: undefined, account: undefined };
  return {
    config,
    around,
    files: policyFiles(file),
    capabilities: capabilitiesOf(version),
    stats: undefined,
  };
}

/** The HAProxy program on this machine, if there is one: an external HAProxy may run in a container. */
async function programIfAny(
  config: HaproxyConfig,
  log: Log,
  signal: AbortSignal,
): Promise<Program | undefined> {
  return inspectProgram(config, signal).catch((error: unknown) => {
    log.warn(
      { reason: messageOf(error), fix: 'install haproxy, or name it with haproxy.binary' },
      'files are not judged before they are loaded',
    );
    return undefined;
  });
}

/** The version that runs, which the program on disk may have left behind. */
async function versionAt(
  [runtime]: readonly Runtime[],
  signal: AbortSignal,
): Promise<string | undefined> {
  return (await (runtime && runningAt(runtime, signal).catch(() => undefined)))?.version;
}

function checkOf(config: HaproxyConfig, program: Program | undefined): CheckOptions | undefined {
  const { binary, check_timeout: timeout, check_command: command, do_checks } = config;
  if (do_checks && command !== undefined) return { binary, timeout, command };
  return program && { binary, timeout };
}

async function readOld(path: string): Promise<WrittenFile | undefined> {
  const text = await readRegularText(path, { limit: 2 ** 28 }).catch(() => undefined);
  return text === undefined ? undefined : readWritten(text);
}

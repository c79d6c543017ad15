import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '@smartstack/daemon';

import type { Preview, Snapshot } from '@smartstack/proxy';
import { createHosts } from '@smartstack/proxy';
import type { HaproxyConfig } from '../config/config.ts';
import { createDesiredState, type Desired } from '../desired/desired.ts';
import { type Environment, survey } from '../process/environment.ts';
import { runningAt } from '../process/loader.ts';
import { haproxyAccount } from '../process/machine.ts';
import { partsOf } from '../reload/accepted.ts';
import { aside } from '../reload/aside.ts';
import { judge, type Objection, placesOf } from '../reload/judge.ts';
import { fileWith } from '../reload/members.ts';
import type { File } from '../render/file.ts';
import { assignIds } from '../render/ids.ts';
import { type Layout, type LayoutSettings, layoutOf } from '../render/layout.ts';
import { firstMemory, halfAdded } from '../runtime/memory.ts';
import { type Plan, plan } from '../runtime/plan.ts';
import { valueCommands } from '../runtime/policy-values.ts';
import { parseServersState, type ServerState } from '../runtime/server-state.ts';
import { createSync } from '../runtime/sync.ts';

/** Says what synapse would do with what there is; writes nothing but a temporary folder. */
export async function preview(
  config: HaproxyConfig,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Preview> {
  const environment = await surveyAsDaemon(config, signal);
  const kept = await keptBy(environment, signal);
  const rendered = await render(environment.settings, snapshot, signal, kept);
  const objections = await judgeAside(environment, rendered, signal);
  const [runtime] = environment.runtimes;
  const running = runtime && (await runningAt(runtime, signal).catch(() => undefined));
  const outcome = {
    path: environment.paths.config ?? 'haproxy.cfg',
    text: rendered.file.text,
    before: environment.written?.text,
    objections,
  };
  if (!running) return { ...outcome, commands: [], reload: 'haproxy does not run' };
  if (running.shape !== rendered.layout.shape)
    return { ...outcome, commands: [], reload: 'sections changed' };
  return { ...outcome, ...(await changes(environment, rendered, signal)) };
}

/** What the daemon would find, by the owner of its files: `diff` is often run by root, and the daemon has an account of its own. */
async function surveyAsDaemon(config: HaproxyConfig, signal: AbortSignal): Promise<Environment> {
  const environment = await survey(config, silentLog, signal);
  const { managed, settings } = environment;
  const owner = managed && (await stat(managed.config).catch(() => undefined));
  if (!owner) return environment;
  const around = { ...settings.around, account: await haproxyAccount(owner.uid) };
  return { ...environment, settings: { ...settings, around } };
}

export interface Rendered {
  readonly layout: Layout;
  readonly file: File;
  readonly desired: ReadonlyMap<string, Desired>;
}

/** The file for a snapshot, with nothing left out. */
export async function render(
  settings: LayoutSettings,
  snapshot: Snapshot,
  signal: AbortSignal,
  kept: Parameters<typeof fileWith>[2] = {
    sync: undefined,
    written: undefined,
    maxId: settings.config.max_server_id,
  },
): Promise<Rendered> {
  const hosts = createHosts();
  const desire = createDesiredState({
    settings,
    hosts,
    choose: (_, config) => config,
    choices: () => 0,
    addressOf: (server) => kept.written?.servers.get(server)?.host,
    onRefused: () => {},
    onIgnored: () => {},
  });
  const desired = await desire.resolved(snapshot, signal);
  const layout = layoutOf(partsOf(desired), settings, new Set());
  return { layout, desired, file: await fileWith(layout, desired, kept) };
}

async function keptBy({ runtimes, written, settings }: Environment, signal: AbortSignal) {
  const maxId = settings.config.max_server_id;
  const [runtime] = runtimes;
  const sync = runtime && createSync(runtime, { maxId, parkTime: undefined, log: silentLog });
  const isRunning = runtime && (await runningAt(runtime, signal).catch(() => undefined));
  if (sync && written && isRunning) sync.loaded(written);
  return { sync: isRunning ? sync : undefined, written, maxId };
}

async function judgeAside(
  { check, settings, written, runtimes: [runtime] }: Environment,
  { layout, file }: Rendered,
  signal: AbortSignal,
): Promise<readonly Objection[]> {
  const folder = await mkdtemp(join(tmpdir(), 'synapse-'));
  try {
    const held = placesOf(written?.sections ?? []);
    const running = runtime && (await runningAt(runtime, signal).catch(() => undefined));
    const candidate = join(folder, 'haproxy.cfg');
    const judged = await aside(file, layout.parts, settings.files, folder);
    return await judge(layout, judged, { candidate, check, held, pid: running?.pid }, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The commands that would bring the members in step. */
async function changes(
  environment: Environment,
  { desired, layout }: Rendered,
  signal: AbortSignal,
): Promise<Pick<Preview, 'commands' | 'reload'>> {
  const {
    runtimes: [runtime],
    settings: { files },
  } = environment;
  const values = runtime ? await valueCommands(runtime, files, layout.parts, signal) : [];
  const [states = ''] = (await runtime?.ask(['show servers state'], signal)) ?? [];
  const all = parseServersState(states);
  const plans = [...desired.values()].map((one) =>
    planFor(one, all.get(one.part.stanza.backendName) ?? [], environment),
  );
  return {
    commands: [
      ...values,
      ...plans.flatMap(({ steps }) => steps.flatMap(({ commands }) => commands)),
    ],
    reload: plans.find(({ reload }) => reload !== undefined)?.reload,
  };
}

function planFor(
  { part: { stanza, traits }, servers }: Desired,
  actual: readonly ServerState[],
  { written, settings }: Environment,
): Plan {
  const backend = stanza.backendName;
  const memory = firstMemory(actual, written?.backends.get(backend), {
    traits,
    desired: servers,
    leaving: [],
    leave: () => ({ replace: false, parked: false, deadline: 0, next: 0, tries: 0 }),
  });
  const ids = assignIds(servers ?? [], memory.ids, settings.config.max_server_id);
  const halfway = halfAdded(memory);
  return plan({ ...memory, halfway, ids, actual, backend, traits, desired: servers });
}

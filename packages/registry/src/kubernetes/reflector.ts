import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, type Log } from '@smartstack/daemon';

import { HttpError } from '../http/error.ts';
import { CutOff } from '../http/lines.ts';
import type { Cluster } from './cluster.ts';
import type { Health } from './health.ts';
import { listSlices, type SliceList } from './list.ts';
import { failureOf, Gone, namedServices, type Scope } from './requests.ts';
import { isOlder } from './revision.ts';
import type { Store } from './store.ts';
import { type WatchEvent, watchSlices } from './watch.ts';

export interface ReflectorOptions {
  readonly cluster: Cluster;
  /** Undefined for the whole cluster. */
  readonly namespace: string | undefined;
  readonly store: Store;
  readonly health: Health;
  readonly log: Log;
  /** How long a watch should last, in milliseconds. */
  readonly watchTimeout: number;
  /** How long a list is not believed whose version is older than what was known, in milliseconds. */
  readonly patience?: number;
  /** The services that are followed now. */
  wanted(): Iterable<string>;
  /** Called once a list has come, with the services that it was asked for (undefined for all) and those that changed. */
  onList(services: ReadonlySet<string> | undefined, changed: ReadonlySet<string>): void;
  onChange(changed: ReadonlySet<string>): void;
  /** Called with why there is no news now, and with undefined once there is again. */
  onTrouble(reason: string | undefined): void;
}

/** Keeps a store in step with an API server. */
export interface Reflector {
  /** Lists and watches until the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** Lists anew where the services that are followed now were not asked for. */
  widen(): void;
}

/** A watch that ends sooner is taken for one that the server cannot do. */
const briefest = 1_000;
/** What lasted for so long was no failure that repeats itself. */
const steady = 10_000;
/** Bookmarks come each minute; a stream that has had one and misses two is dead. */
const bookmarkSilence = 150_000;
const longestRetryAfter = 60_000;

/** How far an attempt had come: a list, the request for a watch, its events. */
type Step = 'list' | 'watch' | 'events';

export function createReflector(options: ReflectorOptions): Reflector {
  const { cluster, namespace, store, health, log, watchTimeout, patience = 30_000 } = options;
  const backoff = createBackoff({ base: 500, max: 30_000 });
  const where = { namespace: namespace ?? 'all' };
  let version = '';
  /** Whom the list is from: another server's versions are others. */
  let listedWith: object | undefined;
  /** Who fails or does not, among all who ask this server. */
  const self = {};
  let isListDue = true;
  let scope: Scope = { namespace, services: [] };
  let wentBack: number | undefined;
  let hasBookmarks = false;
  let complaint = '';
  let round = new AbortController();

  /** Whether services are followed that were not asked for. */
  function isAnyMissing(): boolean {
    const { services: asked } = scope;
    return asked !== undefined && [...options.wanted()].some((each) => !asked.includes(each));
  }

  async function list(signal: AbortSignal): Promise<void> {
    // Services that come together are listed together.
    await nextTurn();
    const next = { namespace, services: namedServices(options.wanted()) };
    const { client } = await cluster.connect(signal);
    const found = await listSlices(client, next, signal);
    const isBack = isOlder(found.resourceVersion, version);
    if (isBack) judgeBack(found);
    wentBack = undefined;
    scope = next;
    version = found.resourceVersion;
    listedWith = client;
    isListDue = isAnyMissing();
    options.onList(next.services && new Set(next.services), store.replace(found.slices, isBack));
  }

  /** Throws while a list that is older than what is known is not to be believed: a server that lags, or a restored backup. */
  function judgeBack({ resourceVersion }: SliceList): void {
    wentBack ??= performance.now();
    const reason = `its resourceVersion went back from ${version} to ${resourceVersion}`;
    if (performance.now() - wentBack < patience) throw new Error(reason);
    health.note();
    const fix = 'find out whether a backup was restored';
    log.warn({ ...where, reason, fix }, 'an older state of Kubernetes has stood for a while');
  }

  async function attempt(signal: AbortSignal, reached: (step: Step) => void): Promise<void> {
    while (isListDue) await list(signal);
    reached('watch');
    const begin = performance.now();
    const { client } = await cluster.connect(signal);
    if (client !== listedWith) {
      isListDue = true;
      return;
    }
    const timeout = watchTimeout * (0.8 + 0.4 * Math.random());
    const late = timeout + Math.min(timeout, 15_000);
    const silence = hasBookmarks ? Math.min(late, bookmarkSilence) : late;
    const asked = { client, scope, from: version, timeout, silence };
    for await (const event of watchSlices(asked, signal)) {
      reached('events');
      take(event);
    }
    // The server has ended it, as it was asked to.
    if (performance.now() - begin < briefest) await backoff.wait(signal);
  }

  function take(event: WatchEvent): void {
    version = event.resourceVersion;
    if (event.type === 'begun') healthy();
    else backoff.reset();
    if (event.type === 'bookmark') hasBookmarks = true;
    if (event.type === 'put') options.onChange(store.put(event.slice));
    if (event.type === 'removed') options.onChange(store.remove(event.slice));
  }

  function healthy(): void {
    health.set(self, false);
    if (complaint !== '') log.info(where, 'Kubernetes is followed again');
    complaint = '';
    options.onTrouble(undefined);
  }

  /** Notes a failure and decides what is asked for next. */
  function fail(error: unknown, step: Step): void {
    // It is well where it says no.
    const isRefusal = isForbidden(error) || statusOf(error) === 401;
    if (!isRefusal) health.note();
    const isGone = error instanceof Gone && step !== 'list';
    const isBroken = step === 'events' && error instanceof CutOff;
    // A stream that broke goes on where it was; what was not understood, or not heard, may have been missed.
    const isLost = step === 'events' && !(isBroken && !error.hasMissed);
    if (isGone || isLost || isForbidden(error)) isListDue = true;
    const { reason, fix } = failureOf(error, step === 'list' ? 'list' : 'watch', { namespace });
    if (isGone || isBroken) {
      log.info({ ...where, reason }, 'a watch of Kubernetes ended');
      return;
    }
    health.set(self, !isRefusal);
    if (reason !== complaint) log.warn({ ...where, reason, fix }, 'what was known stands');
    complaint = reason;
    options.onTrouble(isForbidden(error) ? `${reason}; ${fix}` : reason);
  }

  async function once(signal: AbortSignal): Promise<void> {
    const begin = performance.now();
    let step: Step = isListDue ? 'list' : 'watch';
    try {
      await attempt(signal, (next) => {
        step = next;
      });
    } catch (error) {
      if (signal.aborted) return;
      fail(error, step);
      if (statusOf(error) === 401) await renew(cluster, signal);
      if (performance.now() - begin > steady) backoff.reset();
      await sleep(retryAfter(error), undefined, { signal })
        .then(() => backoff.wait(signal))
        .catch(() => {});
    }
  }

  return {
    run: async (signal) => {
      const end = () => round.abort(signal.reason);
      signal.addEventListener('abort', end);
      while (!signal.aborted) {
        round = new AbortController();
        await once(round.signal);
      }
      signal.removeEventListener('abort', end);
      health.set(self, false);
    },
    widen: () => {
      if (isListDue || !isAnyMissing()) return;
      isListDue = true;
      round.abort();
    },
  };
}

/** Lets the cluster ask for other credentials where it can. */
async function renew(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const connection = await cluster.connect(signal).catch(() => undefined);
  connection?.refused();
}

function statusOf(error: unknown): number | undefined {
  return error instanceof HttpError ? error.status : undefined;
}

const isForbidden = (error: unknown) => statusOf(error) === 403;

/** How long the server wants to be left alone, in milliseconds. */
function retryAfter(error: unknown): number {
  const written = error instanceof HttpError ? Number(error.headers['retry-after']) : 0;
  return Number.isFinite(written) ? Math.min(Math.max(0, written * 1000), longestRetryAfter) : 0;
}

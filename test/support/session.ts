import { createLog, createMetrics, type Log, type Metrics, silentLog } from '@smartstack/daemon';
import {
  type Child,
  connect,
  type Session,
  type SessionOptions,
  type SessionState,
} from '@smartstack/zookeeper';
import { expect, vi } from 'vitest';

/** A session under test: what it went through is kept, and the test's end closes it. */
export interface Watched extends AsyncDisposable {
  readonly session: Session;
  /** Every state in turn, as far as a reader saw it. */
  readonly states: readonly SessionState[];
  readonly metrics: Metrics;
  /** Ends whatever the test started on this session. */
  readonly signal: AbortSignal;
  /** Resolves once the session is in this state; rejects after `within` milliseconds. */
  reaches(state: SessionState, within?: number): Promise<void>;
}

const log: Log = process.env.TEST_LOG ? createLog('test', 'debug') : silentLog;

/** Opens a session with a timeout of 2 s, unless told otherwise, and waits until it is connected. */
export async function openSession(options: SessionOptions): Promise<Watched> {
  const watched = startSession(options);
  await watched.reaches('connected', 20_000);
  return watched;
}

/** `openSession` without the wait. */
export function startSession(options: SessionOptions): Watched {
  const metrics = createMetrics();
  const session = connect({ timeout: 2_000, log, metrics, ...options });
  const ended = new AbortController();
  const states: SessionState[] = [];
  const watching = (async () => {
    for await (const state of session.states(ended.signal)) states.push(state);
  })();
  return {
    session,
    states,
    metrics,
    signal: ended.signal,
    reaches: (state, within = 10_000) =>
      vi.waitFor(() => expect(session.state).toBe(state), { timeout: within, interval: 5 }),
    async [Symbol.asyncDispose]() {
      ended.abort();
      await session.close();
      await watching;
    },
  };
}

/** Follows a path and keeps every list that came, as `name=data`. */
export function follow({ session, signal }: Watched, path: string): readonly (readonly string[])[] {
  const lists: string[][] = [];
  const show = ({ name, data }: Child) => `${name}=${data.toString()}`;
  const following = async () => {
    for await (const children of session.children(path, signal)) lists.push(children.map(show));
  };
  void following();
  return lists;
}

/** Waits until the condition holds; its last error is the test's. */
export function eventually(check: () => void | Promise<void>, within = 10_000): Promise<void> {
  return vi.waitFor(check, { timeout: within, interval: 10 });
}

/** The value of one metric, without labels summed over all of them. */
export async function metric(metrics: Metrics, name: string, labels = ''): Promise<number> {
  const { body } = await metrics.text();
  return body
    .split('\n')
    .filter((line) => line.startsWith(name) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

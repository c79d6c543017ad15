import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Traffic {
  readonly rate: number;
  /** Requests sent and neither answered nor lost yet are the difference. */
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  /** Why requests were lost, with how many. */
  readonly reasons: ReadonlyMap<string, number>;
  readonly byCopy: ReadonlyMap<string, number>;
  /** When a copy answered first (`performance.now`), if it did. */
  firstAnswer(copy: string): number | undefined;
  /** Ends once the signal that it was started with aborted and each request's fate is known. */
  readonly done: Promise<void>;
}

/** For those who want to know of each request. */
export interface Requests {
  /** How long one may take, in milliseconds. */
  readonly patience: number;
  /** The path of the next one. */
  next(): string;
  /** One was lost; `since` is when it was sent, in milliseconds of `Date.now`. */
  lost(path: string, since: number, reason: string): void;
}

export const plainRequests: Requests = { patience: 5_000, next: () => '/', lost: () => {} };

/**
 * Sends `rate` requests a second to a port of this machine until aborted, each on a new connection and
 * on time whether or not earlier ones were answered, so that no lost one hides behind a slow one.
 */
export function startTraffic(
  port: number,
  rate: number,
  signal: AbortSignal,
  requests: Requests = plainRequests,
): Traffic {
  let sent = 0;
  let answered = 0;
  let lost = 0;
  const reasons = new Map<string, number>();
  const byCopy = new Map<string, number>();
  const first = new Map<string, number>();
  const pending = new Set<Promise<void>>();

  async function send() {
    sent += 1;
    const path = requests.next();
    const since = Date.now();
    try {
      const copy = await ask(port, path, requests.patience);
      answered += 1;
      byCopy.set(copy, (byCopy.get(copy) ?? 0) + 1);
      if (!first.has(copy)) first.set(copy, performance.now());
    } catch (error) {
      lost += 1;
      const reason = error instanceof Error ? error.message : String(error);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      requests.lost(path, since, reason);
    }
  }

  async function keepSending() {
    for await (const due of schedule(rate, signal))
      for (let request = 0; request < due; request += 1) {
        const fate = send().then(() => void pending.delete(fate));
        pending.add(fate);
      }
    await Promise.all(pending);
  }

  return {
    rate,
    get sent() {
      return sent;
    },
    get answered() {
      return answered;
    },
    get lost() {
      return lost;
    },
    reasons,
    byCopy,
    firstAnswer: (copy) => first.get(copy),
    done: keepSending(),
  };
}

/** Yields how many requests are due now. A machine that slept does not owe what it missed. */
async function* schedule(rate: number, signal: AbortSignal): AsyncGenerator<number> {
  let since = performance.now();
  let sent = 0;
  while (!signal.aborted) {
    const due = Math.floor(((performance.now() - since) * rate) / 1_000) - sent;
    if (due > Math.max(1, rate)) {
      since = performance.now();
      sent = 0;
    } else if (due > 0) {
      sent += due;
      yield due;
    }
    await sleep(1_000 / rate, undefined, { signal }).catch(() => {});
  }
}

/** One request on a connection of its own: the name of the copy that answered, or an error. */
function ask(port: number, path: string, patience: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false, timeout: patience });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${patience} ms`)));
    request.on('error', reject);
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        body += part;
      });
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200
          ? resolve(body.trim())
          : reject(new Error(`status ${response.statusCode}`)),
      );
    });
  });
}

import { request } from 'node:http';

import { createDeadline, hasCode, messageOf } from '@smartstack/daemon';

/** Where Envoy's admin interface is: a UNIX socket, or an address on the loopback. */
export type AdminPlace =
  | { readonly path: string }
  | { readonly host: string; readonly port: number };

/** Asks Envoy's admin interface; each request has a connection of its own, a time limit and a longest answer. */
export interface Admin {
  readonly place: AdminPlace;
  /** What it answers; rejects with what was asked and why there is no answer, also for a status that is not 2xx. */
  get(path: string, signal: AbortSignal): Promise<string>;
  /** The same, of something that changes Envoy. */
  post(path: string, signal: AbortSignal): Promise<string>;
}

export interface AdminLimits {
  /** For a whole answer, in milliseconds. */
  readonly timeout?: number;
  /** The longest answer, in bytes. */
  readonly maxBytes?: number;
}

const usualTimeout = 5_000;
/** All members of 500 services with 20 each are some 30 MB. */
const usualBytes = 128 * 1024 * 1024;

export function createAdmin(
  place: AdminPlace,
  { timeout = usualTimeout, maxBytes = usualBytes }: AdminLimits = {},
): Admin {
  async function ask(method: string, path: string, signal: AbortSignal): Promise<string> {
    using deadline = createDeadline(timeout, signal);
    try {
      return await exchange({ place, method, path, maxBytes }, deadline.signal);
    } catch (error) {
      signal.throwIfAborted();
      const why = deadline.isOver ? `no whole answer in ${timeout} ms` : messageOf(error);
      const what = `cannot ${method.toLowerCase()} ${path} of Envoy at ${shownPlace(place)}`;
      throw new Error(`${what}: ${why}`, { cause: error });
    }
  }
  return {
    place,
    get: (path, signal) => ask('GET', path, signal),
    post: (path, signal) => ask('POST', path, signal),
  };
}

export const shownPlace = (place: AdminPlace) =>
  'path' in place ? place.path : `${place.host}:${place.port}`;

/** Whether a request failed because no process listens there: its socket is not there, or closed. */
export function isGone(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].some((code) => hasCode(cause, code));
}

interface Exchange {
  readonly place: AdminPlace;
  readonly method: string;
  readonly path: string;
  readonly maxBytes: number;
}

function exchange(
  { place, method, path, maxBytes }: Exchange,
  signal: AbortSignal,
): Promise<string> {
  const to = 'path' in place ? { socketPath: place.path } : place;
  return new Promise((resolve, reject) => {
    // A UNIX socket has no name of a host; Envoy wants one.
    const headers = { host: 'envoy', connection: 'close' };
    const asked = request({ ...to, method, path, headers, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > maxBytes)
          response.destroy(new Error(`answer is longer than ${maxBytes} bytes`));
      });
      response.once('error', reject);
      response.once('close', () => reject(new Error('answer was cut off')));
      response.once('end', () => {
        const { statusCode = 0 } = response;
        const text = Buffer.concat(chunks).toString();
        if (statusCode >= 200 && statusCode < 300) resolve(text);
        else reject(new Error(`answered ${statusCode}: ${text.trim().slice(0, 200)}`));
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}

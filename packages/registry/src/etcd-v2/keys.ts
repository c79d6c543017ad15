import { isIPv6 } from 'node:net';

import { createDeadline, messageOf } from '@smartstack/daemon';
import { z } from 'zod';

/** One etcd server that speaks the v2 API. */
export interface EtcdV2Address {
  readonly host: string;
  readonly port: number;
}

/** A key with its value, as etcd's v2 API has them; a key is an absolute path. */
export interface EtcdNode {
  readonly key: string;
  readonly value: string;
  /** etcd's count of writes at the last one to this key. */
  readonly modifiedIndex: number;
}

/** A value and its time to live in whole seconds. */
export interface Content {
  readonly value: string;
  readonly ttl: number;
}

/**
 * What announcing needs of etcd's v2 keys API (https://etcd.io/docs/v2.3/api/). Every request ends within
 * its time and rejects with what was asked for and why it failed.
 */
export interface EtcdKeys {
  /** The values directly below a folder; none where there is no folder. */
  list(folder: string, signal: AbortSignal): Promise<readonly EtcdNode[]>;
  /** The same as a majority of the servers has them; not cancellable. */
  listAgreed(folder: string): Promise<readonly EtcdNode[]>;
  /** Creates a key in a folder with a number that etcd chooses, and resolves to it. Not cancellable: it may have been created. */
  createInOrder(folder: string, content: Content): Promise<string>;
  /** Writes a key, whether or not it is there. */
  set(key: string, content: Content): Promise<void>;
  /** Deletes a key, which may be gone; one that was written after `modifiedIndex` stays. */
  remove(key: string, modifiedIndex?: number): Promise<void>;
}

/** The longest answer that is read, in characters; the largest lists a folder's keys. */
const maxLength = 8 * 1024 * 1024;
/** etcd's code for a key that is not there. */
const keyNotFound = 100;
/** etcd's code for a key that was written since. */
const comparisonFailed = 101;

const leaf = z.object({ key: z.string(), value: z.string(), modifiedIndex: z.int() });
const answerSchema = z.object({
  node: z.object({ key: z.string(), nodes: z.unknown().optional() }),
});
const errorSchema = z.object({ errorCode: z.number(), message: z.string(), cause: z.string() });

/** Speaks to one server, with a limit in milliseconds for each request. */
export function createEtcdKeys({ host, port }: EtcdV2Address, timeout: number): EtcdKeys {
  const origin = `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const urlOf = (key: string) =>
    `${origin}/v2/keys${key.split('/').map(encodeURIComponent).join('/')}`;

  const list = async (url: string, signal?: AbortSignal) =>
    valuesAmong((await ask({ method: 'GET', url, timeout, ...(signal && { signal }) }))?.nodes);

  return {
    list: (folder, signal) => list(urlOf(folder), signal),
    listAgreed: (folder) => list(`${urlOf(folder)}?quorum=true`),
    createInOrder: async (folder, content) => {
      const node = await ask({ method: 'POST', url: urlOf(folder), content, timeout });
      if (!node) throw new Error(`cannot create a key in ${folder} of ${origin}: no such folder`);
      return node.key;
    },
    set: async (key, content) => {
      await ask({ method: 'PUT', url: urlOf(key), content, timeout });
    },
    remove: async (key, modifiedIndex) => {
      const condition = modifiedIndex === undefined ? '' : `?prevIndex=${modifiedIndex}`;
      await ask({ method: 'DELETE', url: `${urlOf(key)}${condition}`, timeout });
    },
  };
}

interface Request {
  readonly method: string;
  readonly url: string;
  readonly content?: Content;
  /** In milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** Resolves to the answer's node; undefined where there is no such key, or it was written since. */
async function ask({ method, url, content, timeout, signal }: Request) {
  using deadline = createDeadline(timeout, ...(signal ? [signal] : []));
  try {
    const response = await fetch(url, {
      method,
      signal: deadline.signal,
      ...(content && {
        body: new URLSearchParams({ value: content.value, ttl: String(content.ttl) }),
      }),
    });
    return answerOf(response.status, await textOf(response));
  } catch (error) {
    signal?.throwIfAborted();
    const why = deadline.isOver ? `no whole answer in ${timeout} ms` : reasonOf(error);
    throw new Error(`cannot ${method} ${url}: ${why}`, { cause: error });
  }
}

/** The keys with a value among a folder's nodes; folders below it have none. */
function valuesAmong(nodes: unknown): readonly EtcdNode[] {
  return (Array.isArray(nodes) ? nodes : []).flatMap((node) => {
    const { data } = leaf.safeParse(node);
    return data ? [data] : [];
  });
}

/** What the answer says of its key; undefined where there is no such key, or it was written since. */
function answerOf(status: number, text: string) {
  const json = parsed(text);
  const answer = answerSchema.safeParse(json);
  if (answer.success && status < 300) return answer.data.node;
  const error = errorSchema.safeParse(json);
  if (!error.success)
    throw new Error(`answered ${status} and not as etcd's v2 API does${hint(status)}`);
  const { errorCode, message, cause } = error.data;
  if (errorCode === keyNotFound || errorCode === comparisonFailed) return undefined;
  throw new Error(`${message} (${errorCode}): ${cause}`);
}

/** etcd 3.6 dropped the v2 API; 3.4 and 3.5 have it with a flag. */
function hint(status: number): string {
  return status === 404 ? '; etcd 3.4 and 3.5 need --enable-v2, and 3.6 has none' : '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function textOf({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > maxLength) throw new Error(`answer is longer than ${maxLength} characters`);
  }
  return text;
}

/** fetch's own message is `fetch failed`; the reason is its cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  return messageOf(cause ?? error);
}

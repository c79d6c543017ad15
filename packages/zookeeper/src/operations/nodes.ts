import type { ACL } from 'node-zookeeper-client';

import type { CreateMode, OperationOptions, Stat } from '../contract.ts';
import { isCode, ZooKeeperError } from '../error.ts';
import { parentOf, pathProblem } from '../path.ts';
import { type Data, exists, get, list, type Names, sync } from '../wire/reads.ts';
import type { Request } from '../wire/request.ts';
import { create, remove, set } from '../wire/writes.ts';
import type { Operations } from './operations.ts';

/** The operations on nodes as `Session` promises them: arguments checked, never a synchronous throw. */
export interface Nodes {
  get(path: string, options?: OperationOptions): Promise<Data>;
  exists(path: string, options?: OperationOptions): Promise<Stat | undefined>;
  list(path: string, options?: OperationOptions): Promise<Names>;
  sync(path: string, options?: OperationOptions): Promise<void>;
  create(path: string, data: Buffer, mode: CreateMode, options?: OperationOptions): Promise<string>;
  makePath(path: string, options?: OperationOptions): Promise<void>;
  set(path: string, data: Buffer, options?: OperationOptions & { version?: number }): Promise<Stat>;
  remove(path: string, options?: OperationOptions & { version?: number }): Promise<void>;
}

export interface NodesOptions {
  readonly operations: Operations;
  readonly acl: readonly ACL[];
  /** The deadline of an operation that names none, in milliseconds. */
  deadline(): number;
  /** Makes sure that the root of these paths exists, where it is a chroot. */
  makeRoot(options: OperationOptions): Promise<void>;
}

/** The server's default jute.maxbuffer; a longer request makes it drop the connection. */
const maxRequest = 0xfffff;

export function createNodes({ operations, acl, deadline, makeRoot }: NodesOptions): Nodes {
  async function submit<T>(request: Request<T>, options: OperationOptions = {}, data?: Buffer) {
    check(request, data);
    return await operations.submit(request, { deadline: deadline(), ...options });
  }

  const nodes: Nodes = {
    get: (path, options) => submit(get(path), options),
    exists: (path, options) => submit(exists(path), options),
    list: (path, options) => submit(list(path), options),
    sync: (path, options) => submit(sync(path), options),
    create: (path, data, mode, options) => submit(create({ path, data, mode, acl }), options, data),
    set: (path, data, options) => submit(set(path, data, options?.version), options, data),
    remove: (path, options) => submit(remove(path, options?.version), options),

    async makePath(path, options = {}) {
      const remaining = countDown(options, deadline());
      await makeLevel(path, { ...nodes, makeRoot }, remaining);
    },
  };
  return nodes;
}

/** An operation's options, with what is left of its deadline at each call. */
function countDown(options: OperationOptions, deadline: number): () => OperationOptions {
  const until = performance.now() + (options.deadline ?? deadline);
  return () => ({ ...options, deadline: Math.max(0, Math.ceil(until - performance.now())) });
}

/** Looks before it creates, since a parent that exists may forbid creation; a lost answer is asked for again. */
async function makeLevel(
  path: string,
  nodes: Pick<Nodes, 'exists' | 'create'> & Pick<NodesOptions, 'makeRoot'>,
  remaining: () => OperationOptions,
): Promise<void> {
  if (path === '/') return nodes.makeRoot(remaining());
  if (await nodes.exists(path, remaining())) return;
  await makeLevel(parentOf(path), nodes, remaining);
  try {
    await nodes.create(path, Buffer.alloc(0), 'persistent', remaining());
  } catch (error) {
    if (isCode(error, 'NODE_EXISTS')) return;
    if (isCode(error, 'CONNECTION_LOSS', 'NO_NODE')) return makeLevel(path, nodes, remaining);
    throw error;
  }
}

function check({ operation, path }: Request<unknown>, data?: Buffer) {
  const problem = pathProblem(path) ?? (data && tooLong(path, data));
  if (problem)
    throw new ZooKeeperError({ code: 'BAD_ARGUMENTS', operation, path, reason: problem });
}

/** Beside path and data a request carries its header and access control list: a kilobyte is plenty. */
function tooLong(path: string, data: Buffer): string | undefined {
  const most = maxRequest - Buffer.byteLength(path) - 1024;
  return data.length > most
    ? `${data.length} bytes of data, and the server takes at most ${most}`
    : undefined;
}

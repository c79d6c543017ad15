import zookeeper, { type ACL, type Client, type Stat as RawStat } from 'node-zookeeper-client';
import jute, { type Operation, type Result } from 'node-zookeeper-client/lib/jute/index.js';

import type { Acl, CreateMode, Stat } from '../contract.ts';
import { dataOf, namesOf, Reading, readType, statOf } from './reading.ts';

/** Where a request is sent: one connection's library client, and the session's view of paths. */
export interface Wire {
  readonly client: Client;
  /** The path as the server knows it. */
  toServer(path: string): string;
  /** A path of the server's as the session's user knows it. */
  fromServer(path: string): string;
}

/** What the server said: 0 and a value, or its error code. */
export type Answer<T> = (code: number, value?: T) => void;

/**
 * One request of the protocol. A `write` may have happened although no answer came. A `look` is a
 * read that goes before others and takes nothing from the read budget; a `sweep` is one that has time.
 */
export interface Request<T> {
  readonly operation: string;
  readonly path: string;
  readonly kind: 'write' | ReadKind;
  send(wire: Wire, answer: Answer<T>): void;
}

export interface Data {
  readonly data: Buffer;
  readonly stat: Stat;
}

export interface Names {
  readonly names: readonly string[];
  readonly stat: Stat;
}

interface Results {
  readonly results: readonly Result[];
}

type ReadKind = 'look' | 'read' | 'sweep';

interface ReadOptions {
  /** Leaves a watch there, which fires once and lives as long as the connection. */
  readonly watch?: boolean;
  readonly kind?: ReadKind;
}

const noNode = -101;
const none: Results = { results: [] };
const modes = { persistent: 0, ephemeral: 1, persistent_sequential: 2, ephemeral_sequential: 3 };
const permissions = { read: 1, write: 2, create: 4, delete: 8, admin: 16 };

export function get(
  path: string,
  { watch = false, kind = 'read' }: ReadOptions = {},
): Request<Data> {
  return {
    operation: 'get',
    path,
    kind,
    send: (wire, answer) =>
      read(wire, readType.getData, { path, watch }, (code, reply) =>
        answer(code, reply && dataOf(reply)),
      ),
  };
}

export function exists(
  path: string,
  { watch = false, kind = 'read' }: ReadOptions = {},
): Request<Stat | undefined> {
  return {
    operation: 'look at',
    path,
    kind,
    send: (wire, answer) =>
      read(wire, readType.exists, { path, watch }, (code, reply) =>
        answer(code === noNode ? 0 : code, reply && statOf(reply)),
      ),
  };
}

export function list(
  path: string,
  { watch = false, kind = 'read' }: ReadOptions = {},
): Request<Names> {
  return {
    operation: 'list',
    path,
    kind,
    send: (wire, answer) =>
      read(wire, readType.getChildren2, { path, watch }, (code, reply) =>
        answer(code, reply && namesOf(reply)),
      ),
  };
}

/** Answered once this server has seen all that the leader had by then: another one may have done our writes. */
export function sync(path: string): Request<void> {
  return {
    operation: 'sync',
    path,
    kind: 'look',
    send: (wire, answer) =>
      read(wire, readType.sync, { path, watch: false }, (code) => answer(code)),
  };
}

export interface NewNode {
  readonly path: string;
  readonly data: Buffer;
  readonly mode: CreateMode;
  readonly acl: readonly ACL[];
}

/** Answers with the path of the new node. */
export function create({ path, data, mode, acl }: NewNode): Request<string> {
  return {
    operation: 'create',
    path,
    kind: 'write',
    send: ({ client, toServer, fromServer }, answer) =>
      client.create(toServer(path), data, acl, modes[mode], (error, created) =>
        error ? answer(error.code) : answer(0, fromServer(created)),
      ),
  };
}

/** Deletes one node and creates another in one transaction; answers with the new one's path. */
export function replace(old: string, { path, data, mode, acl }: NewNode): Request<string> {
  return {
    operation: 'replace',
    path,
    kind: 'write',
    send({ client, toServer, fromServer }, answer) {
      const operations: readonly Operation[] = [
        { type: 2, path: toServer(old), version: -1 },
        { type: 1, path: toServer(path), data, acls: acl, mode: modes[mode] },
      ];
      transact(client, operations, (code, results = []) => {
        const created = results.find((result) => result.type === 1);
        answer(code, created && fromServer(created.path));
      });
    },
  };
}

export function set(path: string, data: Buffer, version = -1): Request<Stat> {
  return {
    operation: 'set',
    path,
    kind: 'write',
    send: ({ client, toServer }, answer) =>
      client.setData(toServer(path), data, version, (error, stat) =>
        error ? answer(error.code) : answer(0, toStat(stat)),
      ),
  };
}

export function remove(path: string, version = -1): Request<void> {
  return {
    operation: 'remove',
    path,
    kind: 'write',
    send: ({ client, toServer }, answer) =>
      client.remove(toServer(path), version, (error) => answer(error ? error.code : 0)),
  };
}

/** Access control lists as the library wants them. */
export function toAcls(acl: readonly Acl[] | undefined): readonly ACL[] {
  if (!acl || acl.length === 0) return zookeeper.ACL.OPEN_ACL_UNSAFE;
  return acl.map(
    ({ scheme, id, permissions: names }) =>
      new zookeeper.ACL(
        names.reduce((bits, name) => bits | permissions[name], 0),
        new zookeeper.Id(scheme, id),
      ),
  );
}

function read(
  { client, toServer }: Wire,
  type: number,
  { path, watch }: { readonly path: string; readonly watch: boolean },
  answer: Answer<Buffer>,
) {
  const reading = new Reading(type, toServer(path), watch, answer);
  client.connectionManager.queue(reading, (error) => error && answer(error.code));
}

/** The library's own commit would throw on an error code that it does not know, and sends version 0 as "any". */
function transact(
  client: Client,
  operations: readonly Operation[],
  answer: Answer<readonly Result[]>,
) {
  const header = new jute.protocol.RequestHeader(0, 14);
  const request = new jute.Request(header, new jute.TransactionRequest(operations));
  client.connectionManager.queue(request, (error, response) => {
    const { results } = (response?.payload ?? none) as Results;
    const failure = results.find((result) => result.type === -1 && result.err !== 0);
    answer(error ? error.code : failure?.type === -1 ? failure.err : 0, results);
  });
}

function toStat(raw: RawStat): Stat {
  return {
    czxid: raw.czxid.readBigInt64BE(),
    mzxid: raw.mzxid.readBigInt64BE(),
    version: raw.version,
    childrenVersion: raw.cversion,
    childrenCount: raw.numChildren,
    dataLength: raw.dataLength,
    ephemeralOwner: raw.ephemeralOwner.readBigInt64BE(),
  };
}

import type { ACL, Client, Stat as RawStat } from 'node-zookeeper-client';
import jute, { type Operation, type Result } from 'node-zookeeper-client/lib/jute/index.js';

import type { CreateMode, Stat } from '../contract.ts';
import type { Answer, Request } from './request.ts';

/** A node that is to be created. */
export interface NewNode {
  readonly path: string;
  readonly data: Buffer;
  readonly mode: CreateMode;
  readonly acl: readonly ACL[];
}

const modes = { persistent: 0, ephemeral: 1, persistent_sequential: 2, ephemeral_sequential: 3 };

/** Creates a node; answers with its path. */
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

/** Writes a node's data, where its version is this one (-1 for any); answers with the new stat. */
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

/** Deletes a node, where its version is this one (-1 for any). */
export function remove(path: string, version = -1): Request<void> {
  return {
    operation: 'remove',
    path,
    kind: 'write',
    send: ({ client, toServer }, answer) =>
      client.remove(toServer(path), version, (error) => answer(error ? error.code : 0)),
  };
}

interface Results {
  readonly results: readonly Result[];
}

const none: Results = { results: [] };

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

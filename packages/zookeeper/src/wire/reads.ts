import type { Stat } from '../contract.ts';
import { dataOf, namesOf, Reading, readType, statOf } from './reading.ts';
import type { Answer, Destination, Request, RequestKind } from './request.ts';

/** A node's data and stat. */
export interface Data {
  readonly data: Buffer;
  readonly stat: Stat;
}

/** A node's children by their names, and the node's own stat. */
export interface Names {
  readonly names: readonly string[];
  readonly stat: Stat;
}

interface ReadOptions {
  /** Leaves a watch there, which fires once and lives as long as the connection. */
  readonly watch?: boolean;
  readonly kind?: Exclude<RequestKind, 'write'>;
}

const noNode = -101;

/** Reads a node's data. */
export function get(
  path: string,
  { watch = false, kind = 'read' }: ReadOptions = {},
): Request<Data> {
  return {
    operation: 'get',
    path,
    kind,
    send: (to, answer) =>
      read(to, readType.getData, { path, watch }, (code, reply) =>
        answer(code, reply && dataOf(reply)),
      ),
  };
}

/** Answers with a node's stat; undefined where there is no node. */
export function exists(
  path: string,
  { watch = false, kind = 'read' }: ReadOptions = {},
): Request<Stat | undefined> {
  return {
    operation: 'look at',
    path,
    kind,
    send: (to, answer) =>
      read(to, readType.exists, { path, watch }, (code, reply) =>
        answer(code === noNode ? 0 : code, reply && statOf(reply)),
      ),
  };
}

/** Reads the names of a node's children. */
export function list(
  path: string,
  { watch = false, kind = 'read' }: ReadOptions = {},
): Request<Names> {
  return {
    operation: 'list',
    path,
    kind,
    send: (to, answer) =>
      read(to, readType.getChildren2, { path, watch }, (code, reply) =>
        answer(code, reply && namesOf(reply)),
      ),
  };
}

/** Answered once this server has caught up with the leader: another server may have taken our writes. */
export function sync(path: string): Request<void> {
  return {
    operation: 'sync',
    path,
    kind: 'urgent',
    send: (to, answer) => read(to, readType.sync, { path, watch: false }, (code) => answer(code)),
  };
}

function read(
  { client, toServer }: Destination,
  type: number,
  { path, watch }: { readonly path: string; readonly watch: boolean },
  answer: Answer<Buffer>,
) {
  const reading = new Reading(type, toServer(path), watch, answer);
  client.connectionManager.queue(reading, (error) => error && answer(error.code));
}

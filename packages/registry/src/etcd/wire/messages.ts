import { decode, encode, type Fields } from './protobuf.ts';

/** What etcd says with each answer of the moment at which it was given. */
export interface Header {
  readonly cluster: bigint;
  readonly revision: number;
  readonly term: number;
}

/** A key as etcd has it. */
export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
  /** The revision at which it was created, and at which it was last written. */
  readonly created: number;
  readonly modified: number;
}

export interface Range {
  readonly key: Buffer;
  /** The first key behind it; without, `key` alone is meant. */
  readonly end?: Buffer | undefined;
}

/** A method of etcd's API with how its answer is read; see `rpc.proto` of etcd's source. */
export interface Method<Answer> {
  readonly path: string;
  read(answer: Buffer): Answer;
}

const method = <Answer>(path: string, read: (fields: Fields) => Answer): Method<Answer> => ({
  path: `/etcdserverpb.${path}`,
  read: (answer) => read(decode(answer)),
});

const headerOf = (fields: Fields): Header => {
  const header = decode(fields.bytes(1));
  return { cluster: header.bigint(1), revision: header.number(3), term: header.number(4) };
};

/** Keys of one revision: the present one unless the request names another. */
export const range = method('KV/Range', (answer) => ({
  header: headerOf(answer),
  keys: answer.all(2).map(keyValueOf),
  more: answer.number(3) !== 0,
}));

export const rangeRequest = (
  { key, end }: Range,
  { limit, revision, keysOnly }: { limit?: number; revision?: number; keysOnly?: boolean } = {},
): Buffer => encode({ 1: key, 2: end, 3: limit, 4: revision, 8: keysOnly });

function keyValueOf(bytes: Buffer): KeyValue {
  const fields = decode(bytes);
  return {
    key: fields.bytes(1),
    value: fields.bytes(5),
    created: fields.number(2),
    modified: fields.number(3),
  };
}

export const put = method('KV/Put', (answer) => ({ header: headerOf(answer) }));
export const putRequest = (key: Buffer, value: Buffer, lease: bigint): Buffer =>
  encode({ 1: key, 2: value, 3: lease });

/** Several operations at once, where all comparisons hold. */
export const transaction = method('KV/Txn', (answer) => ({
  header: headerOf(answer),
  succeeded: answer.number(2) !== 0,
}));

export const transactionRequest = (parts: {
  readonly compare?: readonly Buffer[];
  readonly success?: readonly Buffer[];
  readonly failure?: readonly Buffer[];
}): Buffer => encode({ 1: parts.compare, 2: parts.success, 3: parts.failure });

export const compare = {
  /** A key that is not there has version 0. */
  isAbsent: (key: Buffer) => encode({ 1: 2, 2: 0, 3: key, 4: 1 }),
  hasValue: (key: Buffer, value: Buffer) => encode({ 2: 3, 3: key, 7: value }),
  hasLease: (key: Buffer, lease: bigint) => encode({ 2: 4, 3: key, 8: lease }),
};

export const operation = {
  put: (key: Buffer, value: Buffer, lease: bigint) => encode({ 2: putRequest(key, value, lease) }),
  remove: (key: Buffer) => encode({ 3: encode({ 1: key }) }),
};

/** A lease with how long it lives from now on, in seconds: 0 or less when there is no such lease. */
const leaseOf = (answer: Fields) => ({ header: headerOf(answer), ttl: answer.number(3) });

export const leaseGrant = method('Lease/LeaseGrant', leaseOf);
export const leaseKeepAlive = method('Lease/LeaseKeepAlive', leaseOf);
export const leaseRevoke = method('Lease/LeaseRevoke', (answer) => ({ header: headerOf(answer) }));
export const leaseTimeToLive = method('Lease/LeaseTimeToLive', (answer) => ({
  ...leaseOf(answer),
  keys: answer.all(5),
}));

export const leaseRequest = {
  grant: (id: bigint, seconds: number) => encode({ 1: seconds, 2: id }),
  of: (id: bigint) => encode({ 1: id }),
  withKeys: (id: bigint) => encode({ 1: id, 2: true }),
};

export const authenticate = method('Auth/Authenticate', (answer) => ({
  token: answer.bytes(2).toString(),
}));
export const authenticateRequest = (user: string, password: string) =>
  encode({ 1: user, 2: password });

/** A change of a key; `kv.value` is empty of one that was deleted. */
export interface KeyEvent {
  readonly isDelete: boolean;
  readonly kv: KeyValue;
}

export const watch = method('Watch/Watch', (answer) => ({
  header: headerOf(answer),
  id: answer.bigint(2),
  isCreated: answer.number(3) !== 0,
  isCanceled: answer.number(4) !== 0,
  /** Above 0 where the revision that was asked for is not kept any more. */
  compacted: answer.number(5),
  reason: answer.bytes(6).toString(),
  events: answer.all(11).map(eventOf),
}));
export type WatchAnswer = ReturnType<(typeof watch)['read']>;

function eventOf(bytes: Buffer): KeyEvent {
  const fields = decode(bytes);
  return { isDelete: fields.number(1) !== 0, kv: keyValueOf(fields.bytes(2)) };
}

export const watchRequest = {
  create: ({ key, end }: Range, revision: number) =>
    encode({ 1: encode({ 1: key, 2: end, 3: revision, 4: true }) }),
  cancel: (id: bigint) => encode({ 2: encode({ 1: id }) }),
};

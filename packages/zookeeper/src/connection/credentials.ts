/** What identifies a session to a server. */
export interface Credentials {
  readonly id: Buffer;
  readonly password: Buffer;
  /** The last transaction seen; a server that is behind it refuses the session. */
  readonly zxid: Buffer;
}

/** A session's id as the owner of its ephemeral nodes. */
export function sessionIdOf({ id }: Credentials): bigint {
  return id.readBigInt64BE();
}

/** A session's id as the servers' own logs show it. */
export function hexIdOf({ id }: Credentials): string {
  return `0x${id.readBigUInt64BE().toString(16)}`;
}

import zookeeper, { type ConnectionManager } from 'node-zookeeper-client';

import { Reading } from './reading.ts';

/** The library's states of a connection: its handshake is under way. */
export const connecting = 1;

const apiError = -100;
const knownCodes = new Set(Object.values(zookeeper.Exception).filter(Number.isInteger));

/** Passes a reply to our own read that is next to be answered; any other frame is the library's. */
export function answersReading(frame: Buffer, manager: ConnectionManager): boolean {
  const { pendingQueue, state } = manager;
  if (state === connecting || frame.length < 20) return false;
  const request = pendingQueue[0]?.request;
  if (!(request instanceof Reading) || request.header.xid !== frame.readInt32BE(4)) return false;
  pendingQueue.shift();
  manager.zxid = Buffer.from(frame.subarray(8, 16));
  const code = frame.readInt32BE(16);
  request.answer(code, code === 0 ? frame : undefined);
  return true;
}

/**
 * Replaces an error code that the library would throw on by one that it knows, and returns the true
 * one. A reply is length, xid, zxid, error: the code lies at byte 16, and only xids from 0 have one.
 */
export function maskUnknownCode(frame: Buffer, state: number): number | undefined {
  if (state === connecting || frame.length < 20 || frame.readInt32BE(4) < 0) return undefined;
  const code = frame.readInt32BE(16);
  if (code !== 0 && !knownCodes.has(code)) frame.writeInt32BE(apiError, 16);
  return code;
}

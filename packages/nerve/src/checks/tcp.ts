import { connect, type Socket } from 'node:net';

import { z } from 'zod';

import {
  addressOf,
  type CheckMechanism,
  nameOf,
  networkKeys,
  type Target,
  targetOf,
} from './check.ts';
import { lookup } from './lookup.ts';
import { failure } from './reason.ts';

const schema = z
  .strictObject({ type: z.literal('tcp'), ...networkKeys() })
  .meta({ description: 'passes when a connection is accepted' });

/** Passes when a TCP connection is accepted, over IPv4 or IPv6; sends nothing. */
export const tcp: CheckMechanism<typeof schema> = {
  type: 'tcp',
  schema,
  create: (config, service) => {
    const target = targetOf(config, service);
    return {
      name: nameOf(config, service),
      run: (signal) => connectOnce(target, signal),
    };
  },
};

function connectOnce(target: Target, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, lookup });
    const settle = (error?: unknown) => {
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(failure(`connect ${addressOf(target)}`, error));
    };
    const onAbort = () => settle(signal.reason);
    signal.addEventListener('abort', onAbort);
    socket.on('error', settle);
    socket.on('connect', () =>
      settle(
        socket.localPort === target.port && isSelfConnected(socket) ? selfConnected : undefined,
      ),
    );
  });
}

/**
 * Whether both ends of a connection are one socket: TCP can connect a socket to itself when the port is
 * closed and in the ephemeral range, about 7 times in 200,000.
 */
export function isSelfConnected(socket: Socket): boolean {
  return socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress;
}

const selfConnected = new Error('refused (the connection met itself)');

import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type SecureContext } from 'node:tls';

import type { Address } from '../connection/address.ts';

/** TLS towards a server. */
export interface Tls {
  readonly secureContext: SecureContext;
  /** The name that the server's certificate must carry; the host's own when undefined. */
  readonly serverName: string | undefined;
  readonly insecure: boolean;
}

/** Opens a TCP or TLS socket; errors, of the certificate too, come as its `error` event. */
export function openSocket(address: Address, tls: Tls | undefined): Socket {
  const { ip: host, port } = address;
  if (!tls) return connectTcp({ host, port });
  const { secureContext, insecure, serverName = address.name } = tls;
  return connectTls({
    host,
    port,
    secureContext,
    servername: isIP(serverName) ? '' : serverName,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
    rejectUnauthorized: !insecure,
  });
}

/** Sends all that is written in one turn of the event loop with one system call. */
export function batchedWrite(socket: Socket): (frame: Buffer) => boolean {
  let corked = false;
  const flush = () => {
    corked = false;
    socket.uncork();
  };
  return (frame) => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(flush);
    }
    return socket.write(frame);
  };
}

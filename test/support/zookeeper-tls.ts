import type { Authority, Identity } from './certificates.ts';
import { freePort } from './ports.ts';
import { startZooKeeper, type ZooKeeper } from './zookeeper.ts';

/** A ZooKeeper that also listens with TLS and asks for client certificates of the authority. */
export interface SecureZooKeeper extends ZooKeeper {
  readonly securePort: number;
}

/** Starts it with this certificate; disposing of it stops it. */
export async function startSecureZooKeeper(
  authority: Authority,
  own: Identity,
): Promise<SecureZooKeeper> {
  const securePort = await freePort();
  const server = await startZooKeeper({
    config: {
      secureClientPort: securePort,
      secureClientPortAddress: '127.0.0.1',
      serverCnxnFactory: 'org.apache.zookeeper.server.NettyServerCnxnFactory',
      'ssl.keyStore.location': own.store,
      'ssl.keyStore.type': 'PEM',
      'ssl.trustStore.location': authority.file,
      'ssl.trustStore.type': 'PEM',
      'ssl.clientAuth': 'need',
      'ssl.clientHostnameVerification': 'false',
    },
  });
  return Object.assign(server, { securePort });
}

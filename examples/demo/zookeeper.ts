import { access, mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

import { type Child, startChild } from './child.ts';
import { until } from './until.ts';

/** Starts one real ZooKeeper server on a port of 127.0.0.1, with its data in a folder; resolves once it serves. */
export async function startZooKeeper(
  folder: string,
  port: number,
  signal: AbortSignal,
): Promise<Child> {
  await mkdir(join(folder, 'data'), { recursive: true });
  const config = join(folder, 'zoo.cfg');
  await writeFile(config, configuration(folder, port));
  const server = await startChild({
    name: 'ZooKeeper',
    command: 'java',
    args: [...smallAndQuick, '-cp', await classPath(), main, config],
    log: join(folder, 'zookeeper.log'),
  });
  await until('ZooKeeper serves', 30_000, () => serves(port), signal);
  return server;
}

const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
const smallAndQuick = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

function configuration(folder: string, port: number): string {
  return `dataDir=${join(folder, 'data')}
clientPortAddress=127.0.0.1
clientPort=${port}
tickTime=500
admin.enableServer=false
4lw.commands.whitelist=srvr
`;
}

/** Debian's jar, which names its dependencies itself, or the jars of an unpacked or brewed ZooKeeper. */
async function classPath(): Promise<string> {
  const home = process.env.ZOOKEEPER_HOME;
  if (home !== undefined) return join(home, 'lib', '*');
  const jar = '/usr/share/java/zookeeper.jar';
  await access(jar);
  return jar;
}

/** `ruok` is answered before clients are; only `srvr` names a mode. */
function serves(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    // No `end`: what comes with a closing connection is not answered.
    const socket = connect(port, '127.0.0.1', () => socket.write('srvr'));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (part) => {
      answer += part;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer.includes('Mode:') ? true : undefined));
  });
}

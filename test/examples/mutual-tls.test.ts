import { readFile } from 'node:fs/promises';

import { connect } from '@smartstack/zookeeper';
import { execa } from 'execa';
import { expect, test } from 'vitest';

import { createMachine, firstAnswer, startService } from '../support/example.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

const folder = 'examples/mutual-tls';

test('both daemons work over mutual TLS, and who may read may not write', async () => {
  const [own, local, secure] = [await freePort(), await freePort(), await freePort()];
  await using secrets = await createScratch();
  const tls = secrets.path('tls');
  await execa('bash', [`${folder}/certificates.sh`, tls, '127.0.0.1']);
  await using _zooKeeper = await startZooKeeper({ config: await serverLines(tls, secure) });
  await using machine = await createMachine('mutual-tls', {
    '127.0.0.1:2281': `127.0.0.1:${secure}`,
    '/etc/smartstack/tls': tls,
    8001: own,
    3213: local,
  });
  await using _service = await startService('web-1', own);
  await machine.start('nerve.yaml');
  await machine.start('synapse.yaml');
  expect(await firstAnswer(local)).toBe('web-1');

  const read = (name: string) => readFile(`${tls}/${name}`, 'utf8');
  await using reader = connect({
    hosts: [`127.0.0.1:${secure}`],
    tls: {
      ca: await read('ca.pem'),
      cert: await read('synapse.pem'),
      key: await read('synapse.key'),
    },
  });
  const { names } = await reader.list('/services/web');
  expect(names).toHaveLength(1);
  const forbidden = reader.remove(`/services/web/${names[0]}`);
  await expect(forbidden).rejects.toMatchObject({ code: 'NO_AUTH' });

  const stranger = await execa(
    'openssl',
    ['s_client', '-connect', `127.0.0.1:${secure}`, '-CAfile', `${tls}/ca.pem`, '-tls1_2'],
    { reject: false, input: 'srvr', all: true },
  );
  expect(stranger.all).toMatch(/alert/);
});

/** The example's zoo.cfg, on this port and with these certificates. */
async function serverLines(tls: string, port: number) {
  const text = await readFile(`${folder}/zoo.cfg`, 'utf8');
  const lines = text
    .replaceAll('/etc/zookeeper/tls', tls)
    .split('\n')
    .filter((line) => line.includes('=') && !line.startsWith('#'))
    .map((line) => line.split('=') as [string, string]);
  const { dataDir: _, tickTime: __, ...own } = Object.fromEntries(lines);
  return { ...own, secureClientPort: port, secureClientPortAddress: '127.0.0.1' };
}

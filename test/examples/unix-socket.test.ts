import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

import { ask, createMachine, firstAnswer, startProgram } from '../support/example.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

const folder = 'examples/unix-socket';

test('the application asks its database over a UNIX socket, and the next one when that dies', async () => {
  await using zooKeeper = await startZooKeeper();
  const [one, two, web] = [await freePort(), await freePort(), await freePort()];
  await using machine = await createMachine('unix-socket', {
    'zk1.example:2181, zk2.example:2181, zk3.example:2181': zooKeeper.hosts,
    '10.0.0.11': '127.0.0.1',
    3306: one,
  });
  const socket = machine.scratch.path('db.sock');
  await using other = await createMachine('unix-socket', {
    'zk1.example:2181, zk2.example:2181, zk3.example:2181': zooKeeper.hosts,
    '10.0.0.11': '127.0.0.1',
    'instance_id: db-1': 'instance_id: db-2',
    3306: two,
  });
  await using first = await startProgram(`${folder}/database.js`, ...copy('db-1', one));
  await using _second = await startProgram(`${folder}/database.js`, ...copy('db-2', two));
  await using _app = await startProgram(
    `${folder}/app.js`,
    ...['--port', `${web}`, '--database', socket],
  );
  await machine.start('nerve.yaml');
  await machine.start('synapse.yaml', { '/run/smartstack/db.sock': socket });
  expect(await firstAnswer(web)).toBe('db-1: SELECT count(*) FROM orders');

  const nerve = await other.start('nerve.yaml');
  await until(() => nerve.log.some(({ msg }) => msg.includes('announced')));
  expect(await ask(web)).toMatch('db-1: ');
  first.kill();
  expect(await until(() => answeredBy(web, 'db-2'))).toBe(true);
});

test("Rails' database.yml names the socket that synapse opens", async () => {
  const rails = parse(
    (await readFile(`${folder}/config/database.yml`, 'utf8')).replace(/<%.*%>/, ''),
  );
  const synapse = parse(await readFile(`${folder}/synapse.yaml`, 'utf8'));
  expect(rails.production.socket).toBe(synapse.services.db.haproxy.bind_address);
});

const copy = (name: string, port: number) => ['--name', name, '--port', `${port}`];

const answeredBy = async (port: number, name: string) => (await ask(port)).startsWith(`${name}: `);

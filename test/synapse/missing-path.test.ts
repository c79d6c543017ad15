import { connect } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { answerOf } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { startZooKeeper } from '../support/zookeeper.ts';

/** Records as tools other than nerve write them, each with a port of its own. */
const odd = [
  '{"host":"10.0.0.1","port":"1","weight":"1","haproxy_server_options":"backup","labels":{"az":"x"}}',
  '{"host":"10.0.0.2","port":2,"weight":1.5}',
  '{"host":"10.0.0.3","port":3,"labels":{"zone":null}}',
  '{"host":"10.0.0.4","port":4,"labels":[]}',
  '{"host":"10.0.0.5","port":5,"haproxy_server_options":[]}',
  '{"host":"10.0.0.6","port":6,"name":"web 6"}',
  '{"host":"10.0.0.7","port":7,"name":"wéb"}',
  '{"host":"[2001:db8::8]","port":8}',
  '{"host":"web.example.com.","port":9}',
];

test('a path that does not exist delays no start and is no error; an instance that is announced there later is a member, however odd', async () => {
  await using scratch = await createScratch();
  await using zookeeper = await startZooKeeper();
  await using copy = await startCopy('spare');
  const [port, status] = [await freePort(), await freePort()];
  const config = {
    zookeeper: { hosts: [zookeeper.hosts] },
    status_address: `127.0.0.1:${status}`,
    startup_timeout: 600,
    haproxy: { stats_address: false, run_directory: scratch.path('run'), on_exit: 'stop' },
    services: {
      new: { discovery: { method: 'zookeeper', path: '/services/nobody-yet' } },
      old: {
        discovery: { method: 'base' },
        default_servers: [{ host: '127.0.0.1', port: copy.port }],
        haproxy: { port, listen: ['mode http'] },
      },
    },
  };
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${status}${path}`)).text();
  await using daemon = await startDaemon('synapse', config, scratch.directory);
  await until(async () => (await answerOf(port)) === 'spare', 30_000);
  expect(JSON.parse(await get('/v1/explain/new'))).toMatchObject({
    summary:
      'no instance is registered: the path /services/nobody-yet does not exist; 0 served meanwhile',
  });
  expect(JSON.parse(await get('/status'))).toMatchObject({ services: { new: { heard: true } } });
  expect(await get('/metrics')).toContain('synapse_services_unheard{served="defaults"} 0');
  expect(daemon.log.filter(({ level }) => level >= 40)).toEqual([]);

  await using session = connect({ hosts: [zookeeper.hosts] });
  await session.makePath('/services/nobody-yet');
  for (const record of odd)
    await session.create('/services/nobody-yet/n_', Buffer.from(record), 'persistent_sequential');
  await until(async () => {
    const { members } = JSON.parse(await get('/v1/services/new')) as { members: object[] };
    return members.length === odd.length;
  });
  expect(await get('/metrics')).toContain(
    'smartstack_registry_odd_fields_total{path="/services/nobody-yet"} 7',
  );
  expect(await get('/metrics')).not.toMatch(/smartstack_registry_bad_records_total\{[^}]*\} [1-9]/);
});

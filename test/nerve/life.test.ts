import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { createScene, type Scene, told } from './scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await createScene(['a', 'b']);
});
afterEach(() => scene[Symbol.asyncDispose]());

test('SIGTERM withdraws everything at once, and ends nerve after drain', async () => {
  const daemon = await scene.nerve(scene.config({}, { drain: 2 }));
  await scene.announced(2);
  const begin = performance.now();
  daemon.kill('SIGTERM');
  await scene.announced(0);
  expect(performance.now() - begin).toBeLessThan(1500);
  expect(await daemon.exited).toBe(0);
  expect(performance.now() - begin).toBeGreaterThan(1990);
});

test('SIGTERM ends nerve within its deadline though ZooKeeper hangs', async () => {
  const daemon = await scene.nerve(scene.config({}, { drain: 1 }));
  await scene.announced(2);
  await scene.zookeeper.kill('SIGSTOP');
  const begin = performance.now();
  daemon.kill('SIGTERM');
  expect(await daemon.exited).toBe(0);
  expect(performance.now() - begin).toBeLessThan(11_000);
  await scene.zookeeper.kill('SIGCONT');
  await scene.announced(0);
});

test('/health, /ready, /metrics and /status tell what nerve does', async () => {
  const port = await freePort();
  scene.copies[1]?.healthy(false);
  const daemon = await scene.nerve(scene.config({}, { status_address: `127.0.0.1:${port}` }));
  await scene.announced(1);
  const get = (path: string) => fetch(`http://127.0.0.1:${port}/${path}`);
  await until(async () => (await get('ready')).status === 200);
  expect(await (await get('health')).text()).toBe('ok\n');
  expect(await (await get('status')).json()).toMatchObject({
    instance_id: 'vm-1',
    services: { a: { state: 'up', announced: true }, b: { state: 'down', because: 'down' } },
  });
  const metrics = await (await get('metrics')).text();
  for (const line of [
    'nerve_service_up{service="a"} 1',
    'nerve_service_up{service="b"} 0',
    'nerve_service_announced{service="a"} 1',
    'nerve_service_announced{service="b"} 0',
    'nerve_service_transitions_total{service="b",state="down"} 1',
    'nerve_announce_duration_seconds_count{service="a"} 1',
    'nerve_registry_errors_total{service="a"} 0',
    `zookeeper_session_state{ensemble="${scene.zookeeper.hosts}",state="connected"} 1`,
    `zookeeper_sessions_lost_total{ensemble="${scene.zookeeper.hosts}"} 0`,
  ])
    expect(metrics).toContain(`\n${line}\n`);
  expect(metrics).toMatch(
    /^nerve_check_duration_seconds_bucket\{le="0.1",service="b",check="b http-\S+",result="fail"\} \d+$/m,
  );
  expect(told(daemon, 'status is served')).toBe(1);
});

test("statsd is told under the originals' names", async () => {
  const received: string[] = [];
  const socket = createSocket('udp4', (text) => received.push(...String(text).split('\n')));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const statsd = { host: '127.0.0.1', port: socket.address().port };
  const daemon = await scene.nerve(scene.config({}, { statsd }));
  await scene.announced(2);
  const [copy] = scene.copies;
  copy?.healthy(false);
  await scene.announced(1);
  daemon.kill('SIGHUP');
  await until(() => told(daemon, 'configuration read again') === 1);
  daemon.kill('SIGTERM');
  await daemon.exited;
  const stopped = 'stop_avenue:clean,stop_location:main_loop';
  const expected = [
    'nerve.start:1|c',
    'nerve.config.update:1|c',
    'nerve.watcher.start:1|c|#service_name:a',
    `nerve.watcher.status.service_check:1|c|#check_result:up,service_name:a,check_name:a http-127.0.0.1:${copy?.port}`,
    `nerve.watcher.status.service_check:1|c|#check_result:down,service_name:a,check_name:a http-127.0.0.1:${copy?.port}`,
    'nerve.watcher.status.transition:1|c|#new_status:up,service_name:a',
    'nerve.watcher.status.transition:1|c|#new_status:down,service_name:a',
    'nerve.watcher.status.report.count:1|c|#report_result:success,service_name:a',
    `nerve.watcher.stop:1|c|#${stopped},service_name:b`,
    `nerve.stop:1|c|#${stopped}`,
  ];
  const missing = () => expected.filter((line) => !received.includes(line));
  await until(() => missing().length === 0).catch(() => expect(missing()).toEqual([]));
  socket.close();
});

test('load tests: checks are mocked, and so many copies are announced', async () => {
  const mocked = { port: 1, check_mocked: true, load_test_concurrency: 5 };
  await scene.nerve(scene.config({ a: mocked, b: { zk_path: '/services/other' } }));
  await scene.announced(5);
  const nodes = (await scene.names()).map((name) => scene.session.get(`${scene.path}/${name}`));
  for (const { data } of await Promise.all(nodes))
    expect(String(data)).toBe('{"host":"127.0.0.1","port":1,"name":"vm-1"}');
});

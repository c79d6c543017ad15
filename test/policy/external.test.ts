import { readFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { oracleAt, workerOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';
import { ask, serviceOf, startMember, startWorld, tally } from './world.fixture.ts';

test('a HAProxy that something else runs has the policy’s files beside its own, and takes changes without a reload', async () => {
  await using scratch = await createScratch();
  await using v1 = await startMember('a', { version: 'v1' });
  await using v2 = await startMember('b', { version: 'v2' });
  const port = await freePort();
  const services = (share: number) => ({
    web: serviceOf(port, [v1, v2], {
      allow: ['127.0.0.1'],
      outlier_ejection: false,
      routes: [
        {
          to: [
            { subset: { version: 'v2' }, weight: share },
            { subset: { version: 'v1' }, weight: 100 - share },
          ],
        },
      ],
    }),
  });
  const [file, pid, socket] = ['haproxy.cfg', 'haproxy.pid', 'stats.sock'].map((name) =>
    scratch.path(name),
  );
  await using _haproxy = {
    [Symbol.asyncDispose]: async () => {
      const text = await readFile(pid ?? '', 'utf8').catch(() => '');
      for (const each of text.split('\n').filter(Boolean)) process.kill(Number(each));
    },
  };
  await using world = await startWorld(services(0), {
    haproxy: {
      config_file_path: file,
      socket_file_path: socket,
      reload_command: `haproxy -f ${file} -D -p ${pid} -sf $(cat ${pid} 2>/dev/null)`,
    },
  });
  expect(await tally(10, () => ask(port))).toEqual({ a: 10 });
  const oracle = oracleAt(socket ?? '');
  const worker = await workerOf(oracle);
  await world.change(services(100));
  await until(async () => (await ask(port)).body === 'b');
  expect(await tally(10, () => ask(port))).toEqual({ b: 10 });
  expect(await workerOf(oracle)).toBe(worker);
  expect(await readFile(`${file}.policy.map`, 'utf8')).toContain('web/0/split 10:1000000\n');
});

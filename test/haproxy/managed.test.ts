import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { createRun, drive, masterOf, member, service, snapshotOf } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { openStatsSocket, serversOf, workerOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

test('starts HAProxy, changes members without a reload, and leaves it running', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const web = (...ports: number[]) =>
    snapshotOf(
      service(
        'web',
        { port, listen: ['mode http'] },
        ports.map((each) => member(each)),
      ),
    );
  {
    await using driven = drive(run.config);
    expect(await driven.apply(web(one.port))).toBe('reloaded');
    expect(await answerOf(port)).toBe('one');
    await using stats = await openStatsSocket(run.path('run', 'haproxy.sock'));
    const worker = await workerOf(stats);
    expect(await driven.apply(web(one.port, two.port))).toBe('updated');
    expect(await driven.apply(web(one.port, two.port))).toBe('unchanged');
    expect(await driven.apply(web(two.port))).toBe('updated');
    expect(await answerOf(port)).toBe('two');
    await until(async () => (await serversOf(stats, 'web')).length === 1);
    expect(await workerOf(stats)).toBe(worker);
    expect(driven.failures).toEqual([]);
  }
  expect(await masterOf(run.path('run'))).toBeDefined();
  expect(await answerOf(port)).toBe('two');
});

async function answerOf(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
  return (await response.text()).trim();
}

import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { answerOf, createRun, masterOf } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { oracleAt, workerOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

test.each([
  ['master', 'started'],
  ['worker', 'started'],
  ['master', 'adopted'],
  ['worker', 'adopted'],
])('a killed %s of a HAProxy that was %s is logged as one death each time', async (part, how) => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const [port, status] = [await freePort(), await freePort()];
  const config = {
    status_address: `127.0.0.1:${status}`,
    haproxy: run.config,
    services: {
      web: {
        discovery: { method: 'base' },
        default_servers: [{ host: '127.0.0.1', port: one.port }],
        haproxy: { port, listen: ['mode http'] },
      },
    },
  };
  const serves = async () => (await answerOf(port).catch(() => '')) === 'one';
  if (how === 'adopted') {
    await using _before = await startDaemon('synapse', config, run.directory);
    await until(serves);
  }
  await using synapse = await startDaemon('synapse', config, run.directory);
  const count = (text: string) => synapse.log.filter(({ msg }) => msg === text).length;
  const haproxy = oracleAt(run.socket);
  const pidOf = async () =>
    part === 'master' ? await masterOf(run.path('run')) : await workerOf(haproxy);
  // It has seen what it starts or adopts.
  await until(async () => (await fetch(`http://127.0.0.1:${status}/ready`)).status === 200);
  for (const deaths of [1, 2]) {
    const pid = (await pidOf()) ?? 0;
    process.kill(pid, 'SIGKILL');
    await until(() => count('haproxy died') >= deaths);
    await until(async () => {
      const now = await pidOf().catch(() => undefined);
      return now !== undefined && now !== pid && (await serves());
    });
    // A second line would come with the next look at the processes.
    const looked = performance.now() + 1_000;
    await until(() => performance.now() > looked);
    expect(count('haproxy died')).toBe(deaths);
  }
});

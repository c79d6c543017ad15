import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import {
  answerOf,
  createRun,
  drive,
  masterOf,
  member,
  program,
  service,
  snapshotOf,
} from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

type Run = Awaited<ReturnType<typeof createRun>>;

/** Starts a run directory's HAProxy again and again, as a service manager does. */
function superviseHaproxy(run: Run) {
  const directory = run.path('run');
  const script = `while :; do "$0" -W -S ${directory}/master.sock,mode,600 -p ${directory}/haproxy.pid \
    -f ${directory}/haproxy.cfg >>${directory}/haproxy.log 2>&1; sleep 0.1; done`;
  const child = spawn('sh', ['-c', script, program], { stdio: 'ignore' });
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** What the package's unit begins with, in this run's folder. */
async function prepare(run: Run): Promise<void> {
  await mkdir(run.path('run'), { recursive: true });
  const text = await readFile('packaging/synapse/haproxy.cfg', 'utf8');
  await writeFile(
    run.path('run', 'haproxy.cfg'),
    text.replace('/run/synapse/haproxy.sock', run.socket),
  );
}

test('a HAProxy that a service manager started is taken over, and again once it died', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  const web = snapshotOf(service('web', { port, listen: ['mode http'] }, [member(one.port)]));
  await prepare(run);
  await using _manager = superviseHaproxy(run);
  await using driven = drive({ ...run.config, supervised: true, on_exit: 'stop' });
  expect(await until(() => driven.apply(web))).toBe('reloaded');
  expect(await answerOf(port)).toBe('one');
  const first = await masterOf(run.path('run'));
  process.kill(first ?? 0, 'SIGKILL');
  const second = await until(async () => {
    const pid = await masterOf(run.path('run'));
    return pid !== first && pid;
  });
  await until(async () => (await answerOf(port)) === 'one');
  expect(await driven.apply(web)).toBe('unchanged');
  expect(await masterOf(run.path('run'))).toBe(second);
});

test('synapse starts no HAProxy beside the service manager, and says that this does not', async () => {
  await using run = await createRun();
  const port = await freePort();
  await prepare(run);
  await using driven = drive({ ...run.config, supervised: true, reload_timeout: 0.5 });
  const web = snapshotOf(service('web', { port }, [member(port)]));
  await expect(driven.apply(web)).rejects.toThrow(
    'cannot start HAProxy: not started by its service manager in 500 ms',
  );
  expect(await masterOf(run.path('run'))).toBeUndefined();
});

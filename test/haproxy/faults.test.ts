import { access, chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { startCopy, startCopyAt } from '../support/copies.ts';
import { freeze } from '../support/freeze.ts';
import {
  answerOf,
  createRun,
  drive,
  masterOf,
  member,
  pidOf,
  program,
  service,
  snapshotOf,
  statesOf,
  webAt,
} from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { clientsOf, openStatsSocket, oracleAt, serversOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

test.each([
  ['the master is killed', [], 'master'],
  ['the worker is killed while the master hangs', ['master'], 'worker'],
] as const)('%s: HAProxy is started again', async (_, hung, killed) => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  await using driven = drive(run.config);
  await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
  const pids = { master: (await masterOf(run.path('run'))) ?? 0, worker: pidOf(driven) };
  await until(() => oracleAt(run.path('run', 'master.sock')).ask('show proc'));
  for (const each of hung) await freeze(pids[each]);
  // It lets go of a worker while a file is loaded, and holds on to it again soon after.
  await until(async () => (await clientsOf(run.socket)) > 0);
  process.kill(pids[killed], 'SIGKILL');
  // Turns of this process, which is the driver's too: a machine that stands still counts for nothing.
  let turns = 0;
  const isServed = () => pidOf(driven) !== pids.worker && pidOf(driven) > 0;
  for (; !isServed() && turns < 500; turns++) await sleep(20);
  expect(turns).toBeLessThan(50);
  await until(async () => pidOf(driven) !== pids.worker && (await answerOf(port)) === 'one');
  expect(await masterOf(run.path('run'))).not.toBe(pids.master);
  const after = snapshotOf(service('web', { port }, [member(one.port, 'a')]));
  expect(await driven.apply(after)).toBe('updated');
});

test('the connection that tells of a worker’s end does not hold up the end of one that a reload replaced', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using driven = drive({ ...run.config, restart_interval: 0 });
  const web = service('web', { port: await freePort() }, [member(one.port)]);
  await driven.apply(snapshotOf(web));
  const old = pidOf(driven);
  await until(async () => (await clientsOf(run.socket)) > 0);
  const more = service('more', { port: await freePort() }, [member(one.port)]);
  expect(await driven.apply(snapshotOf(web, more))).toBe('reloaded');
  await until(
    () =>
      access(`/proc/${old}`).then(
        () => false,
        () => true,
      ),
    4_000,
  );
  const current = pidOf(driven);
  await until(async () => (await clientsOf(run.socket)) > 0);
  expect(pidOf(driven)).toBe(current);
});

test('a member that a killed synapse told HAProxy of, and did not write down, is in the next one’s file', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const web = webAt(await freePort());
  const file = run.path('run', 'haproxy.cfg');
  let before = '';
  {
    await using driven = drive(run.config);
    await driven.apply(web(one.port));
    before = await readFile(file, 'utf8');
    await driven.apply(web(one.port, two.port));
  }
  await writeFile(file, before);
  await using driven = drive(run.config);
  expect(await driven.apply(web(one.port, two.port))).toBe('unchanged');
  await until(async () => (await readFile(file, 'utf8')).includes(`127.0.0.1:${two.port} id`));
});

test('the run directory vanishes: HAProxy serves on, and this synapse and the next one lead it', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const web = (copy: number) => service('web', { port }, [member(copy)]);
  const more = async () => service('more', { port: await freePort() }, [member(one.port)]);
  const config = { ...run.config, restart_interval: 0 };
  const master = async () => {
    await using driven = drive(config);
    await driven.apply(snapshotOf(web(one.port)));
    const before = await masterOf(run.path('run'));
    await until(() => oracleAt(run.path('run', 'master.sock')).ask('show proc'));
    await rm(run.path('run'), { recursive: true, maxRetries: 5 });
    await driven.apply(snapshotOf(web(two.port), await more()));
    expect(await answerOf(port)).toBe('two');
    return before;
  };
  const pid = await master();
  expect(await masterOf(run.path('run'))).toBe(pid);
  await using driven = drive(config);
  expect(await driven.apply(snapshotOf(web(one.port), await more()))).toBe('reloaded');
  expect(await answerOf(port)).toBe('one');
  expect(await masterOf(run.path('run'))).toBe(pid);
});

test('members with IPv6 addresses are served, and told once however the address is spelled', async () => {
  await using run = await createRun();
  await using copy = await startCopyAt('::1', 'six');
  const port = await freePort();
  await using driven = drive(run.config);
  const web = (host: string) =>
    snapshotOf(service('web', { port }, [{ host, port: copy.port, name: 'a' }]));
  await driven.apply(web('0:0:0:0:0:0:0:1'));
  expect(await answerOf(port)).toBe('six');
  expect(await driven.apply(web('0:0:0:0:0:0:0:1'))).toBe('unchanged');
});

test('HAProxy is upgraded: what the new version can do is used', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const old = run.path('program');
  const claim = '[ "$1" != -vv ] || { echo "HAProxy version 2.4.0 2021"; exit; }';
  await writeFile(old, `#!/bin/sh\n${claim}\nexec ${program} "$@"\n`);
  await chmod(old, 0o755);
  await using driven = drive({ ...run.config, binary: old, restart_interval: 0 });
  const web = webAt(port);
  await driven.apply(web(one.port));
  expect(await driven.apply(web(one.port, two.port))).toBe('updated');
  expect(driven.driver.status()).toMatchObject({ services: { web: { members: 'runtime' } } });
});

test('a change that was made to HAProxy by hand shows after the next change of the service', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  const web = (...names: readonly string[]) =>
    snapshotOf(
      service(
        'web',
        { port },
        names.map((name) => member(one.port, name)),
      ),
    );
  await using driven = drive({ ...run.config, audit_interval: '1h' });
  await driven.apply(web('a', 'b'));
  await driven.apply(web('a', 'b', 'c'));
  await using stats = await openStatsSocket(run.socket);
  const [a = '', b = ''] = Object.keys(statesOf(driven, 'web'));
  await until(async () => (await serversOf(stats, 'web')).length === 3);
  for (const name of [a, b]) await stats.ask(`set server web/${name} state maint`);
  expect(await stats.ask(`del server web/${b}`)).toBe('Server deleted.');
  expect(await driven.apply(web('a', 'b', 'c', 'd'))).toBe('updated');
  await until(async () => (await serversOf(stats, 'web')).length === 4);
  expect(statesOf(driven, 'web')).toMatchObject({ [a]: 'maintenance by operator', [b]: 'up' });
});

import { readFile, writeFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import {
  answerOf,
  createRun,
  drive,
  holdConnection,
  masterOf,
  member,
  pidOf,
  service,
  snapshotOf,
  statesOf,
  webAt,
} from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { openStatsSocket, serversOf, workerOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

test('changes members without a reload and leaves HAProxy running', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const web = webAt(port, { listen: ['mode http'] });
  {
    await using driven = drive(run.config);
    expect(await driven.apply(web(one.port))).toBe('reloaded');
    expect(await answerOf(port)).toBe('one');
    await using stats = await openStatsSocket(run.socket);
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
  expect(await readFile(run.path('run', 'haproxy.cfg'), 'utf8')).toContain(
    `127.0.0.1:${two.port} id`,
  );
});

test('takes over the HAProxy of an earlier synapse without a reload, and keeps the members of services without an answer', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  const web = (instances?: ReturnType<typeof member>[]) =>
    snapshotOf(service('web', { port }, instances));
  {
    await using driven = drive(run.config);
    await driven.apply(web([member(one.port)]));
  }
  await using stats = await openStatsSocket(run.socket);
  const worker = await workerOf(stats);
  await using driven = drive(run.config);
  expect(await driven.apply(web())).toBe('unchanged');
  expect(await answerOf(port)).toBe('one');
  expect(await driven.apply(web([member(one.port)]))).toBe('unchanged');
  expect(await workerOf(stats)).toBe(worker);
});

test('keeps the members of a service without an answer over a reload', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const [port, other] = [await freePort(), await freePort()];
  {
    await using driven = drive(run.config);
    await driven.apply(snapshotOf(service('web', { port }, [member(one.port, 'a')])));
  }
  await using driven = drive(run.config);
  const applied = await driven.apply(
    snapshotOf(service('web', { port }), service('other', { port: other }, [member(one.port)])),
  );
  expect(applied).toBe('reloaded');
  expect(await answerOf(port)).toBe('one');
  expect(await answerOf(other)).toBe('one');
});

test('serves the defaults of a service without an answer and without members', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  const unheard = service('web', { port });
  await using driven = drive(run.config);
  await driven.apply(snapshotOf({ ...unheard, defaults: [member(one.port)] }));
  expect(await answerOf(port)).toBe('one');
  await driven.apply(snapshotOf({ ...unheard, defaults: [member(one.port)], instances: [] }));
  await expect(answerOf(port)).rejects.toThrow();
});

test('starts a killed HAProxy again within a second, with the newest members', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  await using driven = drive(run.config);
  await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
  await driven.apply(snapshotOf(service('web', { port }, [member(two.port)])));
  process.kill(pidOf(driven), 'SIGKILL');
  const killed = performance.now();
  await until(async () => (await answerOf(port)) === 'two');
  expect(performance.now() - killed).toBeLessThan(1_000);
});

test('lets a leaving server finish its connections, and readies one that returns meanwhile', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const web = webAt(port);
  await using driven = drive(run.config);
  await driven.apply(web(one.port, two.port));
  await using held = await holdConnection(port);
  const name = `127.0.0.1:${held.copy === 'one' ? one.port : two.port}`;
  const rest = held.copy === 'one' ? two.port : one.port;
  await driven.apply(web(rest));
  expect(statesOf(driven, 'web')).toMatchObject({ [name]: 'leaving' });
  expect(await held.ask()).toBe(held.copy);
  await driven.apply(web(one.port, two.port));
  await using stats = await openStatsSocket(run.socket);
  expect((await serversOf(stats, 'web')).every(({ inRotation }) => inRotation)).toBe(true);
  await driven.apply(web(rest));
  await held[Symbol.asyncDispose]();
  await until(async () => (await serversOf(stats, 'web')).length === 1);
});

test('cuts the connections of a leaving server when the drain time is over', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  const web = (...members: ReturnType<typeof member>[]) =>
    snapshotOf(service('web', { port, drain_timeout: '200ms' }, members));
  await using driven = drive(run.config);
  await driven.apply(web(member(one.port)));
  await using held = await holdConnection(port);
  await driven.apply(web());
  await using stats = await openStatsSocket(run.socket);
  await until(async () => (await serversOf(stats, 'web')).length === 0);
  await expect(held.ask()).rejects.toThrow();
});

test('leaves a service out whose lines HAProxy refuses, and keeps its last good ones', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const [port, bad, third] = [await freePort(), await freePort(), await freePort()];
  const members = [member(one.port)];
  await using driven = drive({ ...run.config, restart_interval: 0 });
  await driven.apply(
    snapshotOf(
      service('web', { port }, members),
      service('never', { port: bad, backend: 'nonsense' }, members),
    ),
  );
  expect(await answerOf(port)).toBe('one');
  await expect(answerOf(bad)).rejects.toThrow();
  await driven.apply(
    snapshotOf(
      service('web', { port, backend: ['balance nowhere'] }, members),
      service('third', { port: third }, members),
    ),
  );
  expect(await answerOf(port)).toBe('one');
  expect(await answerOf(third)).toBe('one');
  const status = driven.driver.status() as { quarantined: { owner: string; reason: string }[] };
  const web = status.quarantined.find(({ owner }) => owner === 'web');
  expect(web).toMatchObject({
    lastGood: true,
    reason: expect.stringContaining('synapse.yaml:web: '),
  });
  expect(web?.reason).toContain('balance nowhere');
});

test('leaves a service out whose port is taken, and serves it once the port is free', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  const foreign = await startCopy('foreign');
  await using driven = drive({ ...run.config, audit_interval: '300ms', restart_interval: 0 });
  await driven.apply(
    snapshotOf(
      service('web', { port }, [member(one.port)]),
      service('taken', { port: foreign.port }, [member(one.port)]),
    ),
  );
  expect(await answerOf(port)).toBe('one');
  expect(driven.driver.status()).toMatchObject({
    quarantined: [
      {
        owner: 'taken',
        reason: `synapse.yaml:taken: cannot listen on localhost:${foreign.port}: another process has taken it`,
      },
    ],
  });
  await foreign[Symbol.asyncDispose]();
  await until(async () => (await answerOf(foreign.port)) === 'one');
});

test('respects what an operator does by hand, and shows it', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const web = snapshotOf(service('web', { port }, [member(one.port), member(two.port)]));
  await using driven = drive({ ...run.config, audit_interval: '100ms' });
  await driven.apply(web);
  await using stats = await openStatsSocket(run.socket);
  const name = `127.0.0.1:${one.port}`;
  await stats.ask(`disable server web/${name}`);
  await stats.ask(`set server web/127.0.0.1:${two.port} state maint`);
  await stats.ask(`del server web/127.0.0.1:${two.port}`);
  await until(() => statesOf(driven, 'web')[name] === 'maintenance by operator');
  await until(async () => (await answerOf(port)) === 'two');
  expect(statesOf(driven, 'web')[name]).toBe('maintenance by operator');
});

test('a second synapse does not touch the HAProxy of the first', async () => {
  await using run = await createRun();
  await using first = drive(run.config);
  const web = snapshotOf(service('web', { port: await freePort() }, []));
  await first.apply(web);
  await writeFile(run.path('run', 'synapse.lock'), `1 ${await startOf(1)}`);
  await using second = drive(run.config);
  await expect(second.apply(web)).rejects.toThrow(/cannot lock .*: synapse with pid 1 holds it/);
});

async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

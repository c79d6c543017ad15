import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { execa } from 'execa';
import { expect, test } from 'vitest';

import { haproxySchema } from '../../packages/haproxy/src/config/config.ts';
import { createHaproxyDriver } from '../../packages/haproxy/src/driver.ts';
import { preview } from '../../packages/haproxy/src/status/preview.ts';
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
import { openStatsSocket, serversOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();

test('what an operator took out stays out over a reload, and what was down stays down', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using driven = drive({ ...run.config, restart_interval: 0 });
  const port = await freePort();
  const dead = await freePort();
  const web = service('web', { port, server_options: 'check inter 100ms fall 2' }, [
    member(one.port),
    member(dead),
    member(await freePort(), 'by-hand'),
  ]);
  await driven.apply(snapshotOf(web));
  await using stats = await openStatsSocket(run.socket);
  const hand = (await serversOf(stats, 'web')).find(({ name }) => name.startsWith('by-hand'))?.name;
  await stats.ask(`set server web/${hand} state maint`);
  const rowOf = (name: string, rows: string) =>
    rows
      .split('\n')
      .find((row) => row.includes(` ${name} `))
      ?.split(' ')
      .slice(5, 7)
      .join(' ');
  await until(
    async () => rowOf(`127.0.0.1:${dead}`, await stats.ask('show servers state web')) === '0 0',
  );
  const more = service('more', { port: await freePort() }, []);
  expect(await driven.apply(snapshotOf(web, more))).toBe('reloaded');
  await using after = await openStatsSocket(run.socket);
  const rows = await after.ask('show servers state web');
  expect(rowOf(hand ?? '', rows)).toBe('0 1');
  expect(rowOf(`127.0.0.1:${dead}`, rows)).toBe('0 0');
  expect(statesOf(driven, 'web')).toMatchObject({ [hand ?? '']: 'maintenance by operator' });
});

test('a server that was draining when synapse died is readied when it returns', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const web = webAt(port);
  const before = drive(run.config);
  await before.apply(web(one.port, two.port));
  await using held = await holdConnection(port);
  await held.ask();
  await before.apply(web());
  await before[Symbol.asyncDispose]();
  await using stats = await openStatsSocket(run.socket);
  expect((await serversOf(stats, 'web')).filter(({ inRotation }) => inRotation)).toEqual([]);
  // Killed with no time to write anything down.
  await rm(run.path('run', 'synapse.state.json'));
  await using driven = drive(run.config);
  await driven.apply(web(one.port, two.port));
  expect((await serversOf(stats, 'web')).filter(({ inRotation }) => inRotation)).toHaveLength(2);
  expect(new Set([await answerOf(port), await answerOf(port)]).size).toBe(2);
});

test('a server that was added and not opened when synapse died is opened by the next one', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const web = webAt(port);
  {
    await using driven = drive(run.config);
    await driven.apply(web(one.port));
  }
  await using stats = await openStatsSocket(run.socket);
  await stats.ask(`add server web/127.0.0.1:${two.port} 127.0.0.1:${two.port} id 77`);
  await using driven = drive(run.config);
  await driven.apply(web(one.port, two.port));
  expect((await serversOf(stats, 'web')).filter(({ inRotation }) => inRotation)).toHaveLength(2);
  expect(Object.values(statesOf(driven, 'web'))).not.toContain('maintenance by operator');
});

test('a quarantine and its last good lines outlive synapse, without a reload', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  const members = [member(one.port)];
  const good = service('web', { port, backend: ['balance leastconn'] }, members);
  const bad = service('web', { port, backend: ['balance nowhere'] }, members);
  {
    await using driven = drive({ ...run.config, restart_interval: 0 });
    await driven.apply(snapshotOf(good));
    await driven.apply(snapshotOf(bad));
    expect(await answerOf(port)).toBe('one');
  }
  await using driven = drive(run.config);
  await driven.apply(snapshotOf(bad));
  const worker = pidOf(driven);
  expect(driven.driver.status()).toMatchObject({ quarantined: [{ owner: 'web', lastGood: true }] });
  expect(await answerOf(port)).toBe('one');
  await driven.apply(snapshotOf(bad));
  expect(pidOf(driven)).toBe(worker);
});

test('old workers are bounded, however long their connections last', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  await using driven = drive({ ...run.config, restart_interval: 0, max_old_workers: 2 });
  const web = service('web', { port }, [member(one.port)]);
  const held: Awaited<ReturnType<typeof holdConnection>>[] = [];
  for (let round = 0; round < 6; round++) {
    await driven.apply(snapshotOf(web, service(`r${round}`, { port: await freePort() }, [])));
    held.push(await holdConnection(port));
  }
  await until(async () => (await workersOf(run.path('run', 'master.sock'))) <= 4);
  for (const client of held) await client[Symbol.asyncDispose]();
});

test('reloads wait for their interval, members of services that run do not', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const [port, other] = [await freePort(), await freePort()];
  await using driven = drive({ ...run.config, restart_interval: '1500ms' });
  await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
  const started = performance.now();
  const late = service('late', { port: other }, [member(one.port)]);
  expect(await driven.apply(snapshotOf(service('web', { port }, [member(two.port)]), late))).toBe(
    'updated',
  );
  expect(await answerOf(port)).toBe('two');
  expect(driven.driver.status()).toMatchObject({
    reload: { waitingFor: { shape: 'sections changed' } },
  });
  expect(performance.now() - started).toBeLessThan(1_000);
  await until(async () => (await answerOf(other)) === 'one');
});

test('someone else’s reload is noticed, and what it lost is put back', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  await using driven = drive({ ...run.config, audit_interval: '200ms' });
  const web = (members: ReturnType<typeof member>[]) =>
    snapshotOf(service('web', { port }, members));
  await driven.apply(web([member(one.port)]));
  const worker = pidOf(driven);
  const file = run.path('run', 'haproxy.cfg');
  const before = await readFile(file, 'utf8');
  await driven.apply(web([member(two.port)]));
  await writeFile(file, before);
  const master = (await masterOf(run.path('run'))) ?? 0;
  await until(async () => {
    // HAProxy loses a reload that is asked for while it still starts.
    process.kill(master, 'SIGUSR2');
    await sleep(500);
    return pidOf(driven) !== worker && pidOf(driven) > 0;
  });
  await until(async () => (await answerOf(port)) === 'two');
});

test('render and diff say what would be done and touch nothing', async () => {
  await using run = await createRun();
  const [port, other] = [await freePort(), await freePort()];
  const config = haproxySchema.parse(run.config);
  const web = (members: ReturnType<typeof member>[]) => service('web', { port }, members);
  const fresh = await preview(config, snapshotOf(web([member(1, 'a')])), signal);
  expect(fresh).toMatchObject({
    before: undefined,
    reload: 'haproxy does not run',
    objections: [],
  });
  expect(fresh.text).toContain('server a_127.0.0.1:1 127.0.0.1:1 id ');
  expect(await masterOf(run.path('run'))).toBeUndefined();

  await using driven = drive(run.config);
  await driven.apply(snapshotOf(web([member(1, 'a')])));
  const members = await preview(config, snapshotOf(web([member(2, 'b')])), signal);
  expect(members).toMatchObject({ reload: undefined });
  expect(members.commands).toEqual([
    expect.stringMatching(/^add server web\/b_127.0.0.1:2 127.0.0.1:2 id \d+ /),
    'set server web/b_127.0.0.1:2 state ready',
    'set server web/a_127.0.0.1:1 state drain',
    'set server web/a_127.0.0.1:1 weight 0%',
  ]);
  const unheard = await preview(config, snapshotOf(service('web', { port })), signal);
  expect(unheard.commands).toEqual([]);
  expect(unheard.text).toContain('server a_127.0.0.1:1 ');
  const shape = snapshotOf(web([]), service('bad', { port: other, backend: 'nonsense' }, []));
  expect(await preview(config, shape, signal)).toMatchObject({
    reload: 'sections changed',
    objections: [{ owner: 'bad', reason: expect.stringContaining('nonsense') }],
  });
  expect(statesOf(driven, 'web')).toEqual({ 'a_127.0.0.1:1': 'up' });
});

test('on_exit stop ends HAProxy with synapse', async () => {
  await using run = await createRun();
  const driver = createHaproxyDriver(haproxySchema.parse({ ...run.config, on_exit: 'stop' }), {
    log: silentLog,
    metrics: createMetrics(),
  });
  await driver.apply(snapshotOf(service('web', { port: await freePort() }, [])), signal);
  expect(await masterOf(run.path('run'))).toBeDefined();
  await driver[Symbol.asyncDispose]();
  expect(await masterOf(run.path('run'))).toBeUndefined();
});

async function workersOf(master: string): Promise<number> {
  const { createMaster } = await import('../../packages/haproxy/src/process/master.ts');
  const { workers, oldWorkers } = await createMaster(master).processes(signal);
  return workers.length + oldWorkers.length;
}

test('HAProxy whose file is gone is taken over with all its services', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const [port, other] = [await freePort(), await freePort()];
  const web = service('web', { port }, [member(one.port)]);
  {
    await using driven = drive(run.config);
    await driven.apply(snapshotOf(web));
  }
  await rm(run.path('run', 'haproxy.cfg'));
  await rm(run.path('run', 'synapse.state.json'));
  await using driven = drive({ ...run.config, audit_interval: '200ms' });
  expect(await driven.apply(snapshotOf(web))).toBe('unchanged');
  await driven.apply(snapshotOf(web, service('other', { port: other }, [member(one.port)])));
  expect(driven.driver.status()).toMatchObject({ quarantined: [] });
  expect(await answerOf(port)).toBe('one');
  expect(await answerOf(other)).toBe('one');
});

test('a file that someone changed is written again', async () => {
  await using run = await createRun();
  await using driven = drive({ ...run.config, audit_interval: '100ms' });
  await driven.apply(snapshotOf(service('web', { port: await freePort() }, [member(1)])));
  const file = run.path('run', 'haproxy.cfg');
  const before = await readFile(file, 'utf8');
  await writeFile(file, 'nonsense\n');
  await until(async () => (await readFile(file, 'utf8')) === before);
});

test('a server that speaks TLS with a certificate authority joins at runtime', async () => {
  await using run = await createRun();
  const authority = run.path('ca.pem');
  await execa('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
    ...['-keyout', run.path('key.pem'), '-out', authority],
  ]);
  const [key, cert] = [await readFile(run.path('key.pem')), await readFile(authority)];
  const server = createServer({ key, cert }, (_, response) => response.end('secured'));
  const backend = await freePort();
  server.listen(backend, '127.0.0.1');
  try {
    await using driven = drive(run.config);
    const port = await freePort();
    const options = `check inter 100ms ssl verify required ca-file ${authority}`;
    const web = (...members: ReturnType<typeof member>[]) =>
      snapshotOf(service('web', { port, server_options: options, listen: 'mode http' }, members));
    await driven.apply(web());
    expect(await driven.apply(web(member(backend)))).toBe('updated');
    expect(await answerOf(port)).toBe('secured');
  } finally {
    server.close();
  }
});

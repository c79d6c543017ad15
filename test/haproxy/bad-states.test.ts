import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { freeze } from '../support/freeze.ts';
import {
  answerOf,
  createRun,
  type Driven,
  drive,
  masterOf,
  member,
  pidOf,
  program,
  service,
  snapshotOf,
} from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { openStatsSocket, serversOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

test('stats socket gone: HAProxy serves on and gets a new one', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  await using driven = drive({ ...run.config, restart_interval: 0 });
  await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
  await rm(run.socket);
  await driven.apply(snapshotOf(service('web', { port }, [member(two.port)])));
  expect(await answerOf(port)).toBe('two');
  await using stats = await openStatsSocket(run.socket);
  expect(await serversOf(stats, 'web')).toHaveLength(1);
});

test('master socket gone: a new service is loaded all the same', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const [port, other] = [await freePort(), await freePort()];
  await using driven = drive({ ...run.config, restart_interval: 0 });
  const web = service('web', { port }, [member(one.port)]);
  await driven.apply(snapshotOf(web));
  const master = await masterOf(run.path('run'));
  await rm(run.path('run', 'master.sock'));
  await driven.apply(snapshotOf(web, service('other', { port: other }, [member(one.port)])));
  expect(await answerOf(other)).toBe('one');
  expect(await masterOf(run.path('run'))).toBe(master);
});

test.each([
  ['master and worker', true],
  ['worker', false],
])('%s hung: says so, starts no second one, and is in step when it wakes', async (_, both) => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  await using driven = drive({ ...run.config, restart_interval: 0 });
  await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
  const master = (await masterOf(run.path('run'))) ?? 0;
  const worker = pidOf(driven);
  for (const pid of both ? [master, worker] : [worker]) await freeze(pid);
  const after = snapshotOf(service('web', { port }, [member(two.port)]));
  await expect(driven.apply(after)).rejects.toThrow(/no answer in 5000 ms/);
  expect(driven.driver.status()).toMatchObject({ trouble: expect.stringContaining('no answer') });
  for (const pid of both ? [master, worker] : [worker]) process.kill(pid, 'SIGCONT');
  await until(async () => (await answerOf(port)) === 'two');
  expect(await masterOf(run.path('run'))).toBe(master);
  expect(pidOf(driven)).toBe(worker);
});

test('disk full: members change all the same, and the file follows when there is room', async () => {
  await using run = await createRun();
  await using disk = await smallDisk(run.path('disk'));
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const config = { ...run.config, config_file_path: disk.path('haproxy.cfg'), restart_interval: 0 };
  await using driven = drive(config);
  await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
  const release = await disk.fill();
  const two2 = snapshotOf(service('web', { port }, [member(two.port)]));
  await driven.apply(two2);
  expect(await answerOf(port)).toBe('two');
  const more = snapshotOf(
    service('web', { port }, [member(two.port)]),
    service('new', { port: await freePort() }, []),
  );
  await expect(driven.apply(more)).rejects.toThrow(/cannot write .*ENOSPC/);
  await until(() => (driven.driver.status() as { file: string }).file.includes('ENOSPC'));
  expect(await answerOf(port)).toBe('two');
  await release();
  await driven.apply(two2);
  await until(async () =>
    (await readFile(disk.path('haproxy.cfg'), 'utf8')).includes(`:${two.port} id`),
  );
});

test('folder of the file read-only: members change all the same', async () => {
  await using run = await createRun();
  await using disk = await smallDisk(run.path('disk'));
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const config = { ...run.config, config_file_path: disk.path('haproxy.cfg'), restart_interval: 0 };
  await using driven = drive(config);
  await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
  await disk.remount('ro');
  await driven.apply(snapshotOf(service('web', { port }, [member(two.port)])));
  expect(await answerOf(port)).toBe('two');
  const more = snapshotOf(
    service('web', { port }, [member(two.port)]),
    service('new', { port: await freePort() }, []),
  );
  await expect(driven.apply(more)).rejects.toThrow(/cannot write .*EROFS/);
  await disk.remount('rw');
});

test.each([
  ['missing', '/nowhere/haproxy', '', /cannot run \/nowhere\/haproxy: no such program/],
  [
    'too old',
    undefined,
    'echo "HA-Proxy version 1.5.8 2014/10/31"; exit',
    /it is HAProxy 1.5.8, too old; 2.2 or newer is needed/,
  ],
  ['not HAProxy', undefined, 'echo hello; exit', /cannot run .*: no version in: hello/],
  [
    'slow to judge',
    undefined,
    'case "$1" in -W) exit 1 ;; -c) sleep 60 ;; esac',
    /cannot check .*: .* gave no verdict in 300 ms/,
  ],
])('program %s: says so and touches nothing', async (_, binary, script, message) => {
  await using run = await createRun();
  const used = binary ?? (await programOf(run.path('program'), script));
  await using driven = drive({ ...run.config, binary: used, check_timeout: '300ms' });
  const web = snapshotOf(service('web', { port: await freePort() }, []));
  await expect(driven.apply(web)).rejects.toThrow(message);
  expect(await masterOf(run.path('run'))).toBeUndefined();
});

test('where nothing runs, the start itself is the verdict, and a refusal is looked into', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const [port, bad] = [await freePort(), await freePort()];
  const calls = run.path('calls');
  const binary = await programOf(run.path('program'), `echo "$1" >> ${calls}`);
  const web = service('web', { port }, [member(one.port)]);
  const broken = service('broken', { port: bad, backend: 'nonsense' }, [member(one.port)]);
  await using driven = drive({ ...run.config, binary, restart_interval: 0 });
  await driven.apply(snapshotOf(web, broken));
  expect(await answerOf(port)).toBe('one');
  expect(driven.driver.status()).toMatchObject({ quarantined: [{ owner: 'broken' }] });
  expect(await callsOf(calls)).toEqual(['-W', '-c', '-c', '-W']);
  process.kill(pidOf(driven), 'SIGKILL');
  await until(async () => (await callsOf(calls)).length === 5);
  await until(async () => (await answerOf(port).catch(() => '')) === 'one');
  expect(await callsOf(calls)).toEqual(['-W', '-c', '-c', '-W', '-W']);
});

test('a file that was written for a start, refused and never judged is not believed by the next synapse', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const [port, bad] = [await freePort(), await freePort()];
  const both = snapshotOf(
    service('web', { port }, [member(one.port)]),
    service('broken', { port: bad, backend: 'nonsense' }, [member(one.port)]),
  );
  {
    const binary = await programOf(run.path('program'), '[ "$1" != -c ] || sleep 60');
    await using driven = drive({ ...run.config, binary, check_timeout: '300ms' });
    await expect(driven.step(both)).rejects.toThrow(/gave no verdict/);
  }
  expect(await readFile(run.path('run', 'haproxy.cfg'), 'utf8')).toContain('nonsense');
  await using driven = drive(run.config);
  await driven.apply(both);
  expect(await answerOf(port)).toBe('one');
  expect(driven.driver.status()).toMatchObject({ quarantined: [{ owner: 'broken' }] });
});

test('a start that is refused for the whole file leaves the file that ran before', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const web = snapshotOf(service('web', { port: await freePort() }, [member(one.port)]));
  const file = run.path('run', 'haproxy.cfg');
  {
    await using driven = drive({ ...run.config, on_exit: 'stop' });
    await driven.apply(web);
  }
  const before = await readFile(file, 'utf8');
  await using driven = drive({ ...run.config, global: ['nonsense 5'] });
  await expect(driven.apply(web)).rejects.toThrow(/unknown keyword 'nonsense'/);
  expect(await readFile(file, 'utf8')).toBe(before);
});

test('a HAProxy that lives and has lost its socket is given no file that was not judged', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const [port, third, bad] = [await freePort(), await freePort(), await freePort()];
  const members = [member(one.port)];
  {
    await using driven = drive(run.config);
    await driven.apply(snapshotOf(service('web', { port }, members)));
  }
  await rm(run.socket);
  await using driven = drive({ ...run.config, restart_interval: 0 });
  await driven.apply(
    snapshotOf(
      service('web', { port }, members),
      service('third', { port: third }, members),
      service('broken', { port: bad, backend: 'nonsense' }, members),
    ),
  );
  expect([await answerOf(port), await answerOf(third)]).toEqual(['one', 'one']);
  expect(driven.driver.status()).toMatchObject({ quarantined: [{ owner: 'broken' }] });
});

test.each([
  ['is judged for long', '[ "$1" != -c ] || sleep 1.5', null],
  ['is never judged', '[ "$1" != -c ] || sleep 60', /gave no verdict in 2500 ms/],
])('while a new file %s, members of all services move on', async (_, line, failure) => {
  await using run = await createRun();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const [port, other] = [await freePort(), await freePort()];
  const slow = run.path('slow');
  const binary = await programOf(run.path('program'), `[ ! -e ${slow} ] || ${line}`);
  await using driven = drive({
    ...run.config,
    binary,
    check_timeout: '2500ms',
    restart_interval: 0,
  });
  const web = (copy: number) => service('web', { port }, [member(copy)]);
  await driven.apply(snapshotOf(web(one.port)));
  await writeFile(slow, '');
  const more = service('more', { port: other }, [member(one.port)]);
  await driven.step(snapshotOf(web(one.port), more));
  expect(await driven.step(snapshotOf(web(two.port), more))).toBe('updated');
  expect(await answerOf(port)).toBe('two');
  expect(driven.driver.status()).toMatchObject({ reload: { underWay: true } });
  expect(await driven.step(snapshotOf(web(one.port), more))).toBe('updated');
  await until(() => !reloadOf(driven).underWay, 10_000);
  expect(await answerOf(port)).toBe('one');
  if (failure === null) expect(await answerOf(other)).toBe('one');
  else {
    expect(driven.driver.status()).toMatchObject({
      reload: { lastFailure: expect.stringMatching(failure) },
    });
    await rm(slow);
    await until(async () => (await answerOf(other).catch(() => '')) === 'one', 10_000);
    await until(() => reloadOf(driven).lastFailure === null);
  }
});

test('a service that is taken away while a reload is judged is gone after it, and the others serve', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const [port, other, third] = [await freePort(), await freePort(), await freePort()];
  const slow = run.path('slow');
  const binary = await programOf(
    run.path('program'),
    `[ ! -e ${slow} ] || [ "$1" != -c ] || sleep 1.5`,
  );
  await using driven = drive({ ...run.config, binary, restart_interval: 0 });
  const [web, old] = [
    service('web', { port }, [member(one.port)]),
    service('old', { port: other }, [member(one.port)]),
  ];
  await driven.apply(snapshotOf(web, old));
  await writeFile(slow, '');
  const more = service('more', { port: third }, [member(one.port)]);
  await driven.step(snapshotOf(web, old, more));
  expect(driven.driver.status()).toMatchObject({ reload: { underWay: true } });
  await rm(slow);
  await driven.step(snapshotOf(web, more));
  await until(async () => (await answerOf(third).catch(() => '')) === 'one', 10_000);
  expect(await answerOf(port)).toBe('one');
  await until(async () => (await answerOf(other).catch(() => 'refused')) === 'refused', 10_000);
  expect(driven.driver.status()).not.toHaveProperty('services.old');
});

test('too many connections for the descriptors: says so before a start', async () => {
  await using run = await createRun();
  await using driven = drive({ ...run.config, global: ['maxconn 10000000'] });
  const web = snapshotOf(service('web', { port: await freePort() }, []));
  await expect(driven.apply(web)).rejects.toThrow(
    /maxconn 10000000 and 0 checks need 2000010\d file descriptors and the limit is/,
  );
});

test('a global section that HAProxy refuses: says so in its words, and what runs serves on', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  const web = snapshotOf(service('web', { port }, [member(one.port)]));
  {
    await using driven = drive(run.config);
    await driven.apply(web);
  }
  await using driven = drive({ ...run.config, global: ['nonsense 5'] });
  await expect(driven.apply(web)).rejects.toThrow(/unknown keyword 'nonsense'/);
  expect(await answerOf(port)).toBe('one');
});

test('HAProxy that keeps dying is started ever more rarely, and comes back for good', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  await using driven = drive(run.config);
  await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
  for (let round = 0; round < 3; round++) {
    const worker = pidOf(driven);
    process.kill(worker, 'SIGKILL');
    await until(() => isAnother(driven, worker), 20_000);
  }
  await until(async () => (await answerOf(port)) === 'one');
});

/** Those of a program's calls that judge or start, by their first argument. */
const callsOf = async (path: string) =>
  (await readFile(path, 'utf8')).split('\n').filter((call) => /^-[cW]$/.test(call));

/** A shell script in HAProxy's place: what it does not end by itself goes to the real one. */
async function programOf(path: string, script: string): Promise<string> {
  await writeFile(path, `#!/bin/sh\n${script}\nexec ${program} "$@"\n`);
  await chmod(path, 0o755);
  return path;
}

const reloadOf = ({ driver }: Driven) =>
  (driver.status() as { reload: { underWay: boolean; lastFailure: string | null } }).reload;

const isAnother = (driven: Driven, pid: number) => pidOf(driven) !== pid && pidOf(driven) > 0;

/** A file system of 256 KB in a folder. */
async function smallDisk(directory: string) {
  await mkdir(directory);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory]);
  const path = (name: string) => `${directory}/${name}`;
  return {
    path,
    fill: async () => {
      await writeFile(path('ballast'), Buffer.alloc(1_000_000)).catch(() => undefined);
      return () => rm(path('ballast'));
    },
    remount: (how: 'ro' | 'rw') => execa('mount', ['-o', `remount,${how}`, directory]),
    [Symbol.asyncDispose]: async () => {
      await execa('umount', ['-l', directory]);
    },
  };
}

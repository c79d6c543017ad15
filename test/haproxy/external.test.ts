import { readFile, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import {
  answerOf,
  drive,
  member,
  pidOf,
  program,
  service,
  snapshotOf,
  type TopConfig,
} from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { openStatsSocket, serversOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

test('works with a file in the style of Airbnb, whose reload command is a shell text', async () => {
  await using scratch = await createOld();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const [port, other] = [await freePort(), await freePort()];
  const section = { port, server_options: 'check inter 2000 rise 3 fall 2', listen: ['mode http'] };
  await using driven = drive(scratch.config);
  expect(await driven.apply(snapshotOf(service('web', section, [member(one.port, 'i-1')])))).toBe(
    'reloaded',
  );
  expect(await answerOf(port)).toBe('one');
  const pid = pidOf(driven);
  const both = [member(one.port, 'i-1'), member(two.port, 'i-2')];
  expect(await driven.apply(snapshotOf(service('web', section, both)))).toBe('updated');
  await using stats = await openStatsSocket(scratch.path('stats.sock'));
  expect((await serversOf(stats, 'web')).map(({ name }) => name).sort()).toEqual(
    both.map(({ port: own, name }) => `${name}_127.0.0.1:${own}`),
  );
  expect(pidOf(driven)).toBe(pid);
  await until(async () =>
    (await readFile(scratch.path('haproxy.cfg'), 'utf8')).includes(`i-2_127.0.0.1:${two.port}`),
  );
  await until(async () => {
    const web = service('web', section, both);
    await driven.apply(snapshotOf(web, service('other', { port: other }, both)));
    return (await answerOf(other)) !== '';
  });
  expect(pidOf(driven)).not.toBe(pid);
});

test('says so when the reload command ends well but nothing was reloaded, and puts the file back', async () => {
  await using scratch = await createOld();
  const web = service('web', { port: await freePort() }, []);
  {
    await using driven = drive(scratch.config);
    await driven.apply(snapshotOf(web));
  }
  const before = await readFile(scratch.path('haproxy.cfg'), 'utf8');
  await using driven = drive({
    ...scratch.config,
    reload_command: 'true',
    reload_timeout: '300ms',
  });
  const other = service('other', { port: await freePort() }, []);
  await expect(driven.apply(snapshotOf(web, other))).rejects.toThrow(
    /cannot reload HAProxy: true ended well, but .* still answers as before/,
  );
  expect(await readFile(scratch.path('haproxy.cfg'), 'utf8')).toBe(before);
});

test('keeps the members of other services moving while a reload fails', async () => {
  await using scratch = await createOld();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  {
    await using driven = drive(scratch.config);
    await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
  }
  await using driven = drive({ ...scratch.config, reload_command: 'exit 3' });
  const other = service('other', { port: await freePort() }, []);
  const after = snapshotOf(service('web', { port }, [member(two.port)]), other);
  await expect(driven.apply(after)).rejects.toThrow('cannot reload HAProxy: exit 3: exit code 3');
  expect(await answerOf(port)).toBe('two');
});

test('without a socket, members change by rewriting the file and reloading', async () => {
  await using scratch = await createOld();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const { socket_file_path: _, ...config } = scratch.config;
  await using driven = drive({ ...config, do_socket: false, restart_interval: '100ms' });
  const web = (members: ReturnType<typeof member>[]) =>
    snapshotOf(service('web', { port }, members));
  await driven.apply(web([member(one.port)]));
  await until(async () => (await answerOf(port)) === 'one');
  await driven.apply(web([member(two.port)]));
  await until(async () => (await answerOf(port)) === 'two');
});

test('touches no server of sections that are not its own', async () => {
  await using scratch = await createOld();
  await using one = await startCopy('one');
  const config = {
    ...scratch.config,
    extra_sections: { 'backend foreign': [`server mine 127.0.0.1:${one.port}`] },
  };
  await using driven = drive({ ...config, audit_interval: '50ms' });
  const web = { port: await freePort(), backend: [`server own 127.0.0.1:${one.port} backup`] };
  await driven.apply(snapshotOf(service('web', web, [member(one.port)])));
  await driven.apply(snapshotOf(service('web', web, [])));
  await using stats = await openStatsSocket(scratch.path('stats.sock'));
  await until(async () => (await serversOf(stats, 'web')).length === 1);
  expect(await serversOf(stats)).toMatchObject([
    { backend: 'foreign', name: 'mine', inRotation: true },
    { backend: 'web', name: 'own', inRotation: true },
  ]);
});

/** A folder with a HAProxy in the old style: no master, each reload a new process that takes over. */
async function createOld(): Promise<Scratch & { readonly config: TopConfig }> {
  const scratch = await createScratch();
  const [file, pid] = [scratch.path('haproxy.cfg'), scratch.path('pid')];
  await writeFile(pid, '');
  return {
    ...scratch,
    config: {
      binary: program,
      reload_command: `${program} -D -f ${file} -p ${pid} -sf $(cat ${pid})`,
      config_file_path: file,
      socket_file_path: scratch.path('stats.sock'),
      global: ['daemon', `stats socket ${scratch.path('stats.sock')} mode 600 level admin`],
      defaults: [
        'timeout connect 5s',
        'timeout client 1m',
        'timeout server 1m',
        'option redispatch',
      ],
    },
    [Symbol.asyncDispose]: async () => {
      const pids = (await readFile(pid, 'utf8')).split('\n').filter(Boolean);
      if (pids.length > 0) await execa('kill', pids, { reject: false });
      await scratch[Symbol.asyncDispose]();
    },
  };
}

test('lets the check command judge the candidate file', async () => {
  await using scratch = await createOld();
  const candidate = scratch.path('candidate.cfg');
  const checked = { ...scratch.config, do_checks: true, candidate_config_file_path: candidate };
  const web = snapshotOf(service('web', { port: await freePort() }, []));
  {
    const check_command = `echo web is not for today; exit 3`;
    await using driven = drive({ ...checked, check_command });
    await expect(driven.apply(web)).rejects.toThrow('web is not for today');
  }
  await using driven = drive({ ...checked, check_command: `${program} -c -f ${candidate}` });
  expect(await driven.apply(web)).toBe('reloaded');
});

test('keeps two processes in step through their two sockets', async () => {
  await using scratch = await createOld();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const sockets = [scratch.path('stats.sock'), scratch.path('two.sock')];
  const second = scratch.path('second.cfg');
  const port = await freePort();
  const [pid, other] = [scratch.path('pid'), scratch.path('other.pid')];
  await writeFile(other, '');
  const main = scratch.config.config_file_path;
  await using driven = drive({
    ...scratch.config,
    socket_file_path: sockets,
    reload_command:
      `sed -e 's#${sockets[0]}#${sockets[1]}#' -e '/bind/d' ${main} > ${second}; ` +
      `${program} -D -f ${main} -p ${pid} -sf $(cat ${pid}); ` +
      `${program} -D -f ${second} -p ${other} -sf $(cat ${other})`,
  });
  await driven.apply(snapshotOf(service('web', { port }, [member(one.port)])));
  await until(() =>
    openStatsSocket(sockets[1] ?? '')
      .then((stats) => stats[Symbol.asyncDispose]())
      .then(() => true),
  );
  await driven.apply(snapshotOf(service('web', { port }, [member(two.port)])));
  for (const path of sockets) {
    await using stats = await openStatsSocket(path);
    expect((await serversOf(stats, 'web')).filter(({ inRotation }) => inRotation)).toMatchObject([
      { port: two.port },
    ]);
  }
  await execa('kill', (await readFile(other, 'utf8')).trim().split('\n'), { reject: false });
});

import { readFile, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import {
  answerOf,
  createRun,
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
import { oracleAt } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

const quick = { restart_interval: '100ms', audit_interval: '100ms' };

test.each(['operator', 'user'])(
  'a member that left gets no traffic where the stats socket is of level %s: the file is loaded',
  async (level) => {
    await using scratch = await createLimited(level);
    await using one = await startCopy('one');
    await using two = await startCopy('two');
    const port = await freePort();
    const web = (...members: ReturnType<typeof member>[]) =>
      snapshotOf(service('web', { port, listen: ['mode http'] }, members));
    await using driven = drive({ ...scratch.config, ...quick });
    await driven.apply(web(member(one.port), member(two.port)));
    const before = pidOf(driven);
    await driven.apply(web(member(two.port)));
    await until(() => pidOf(driven) !== before);
    await until(async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => answerOf(port)));
      return answers.every((answer) => answer === 'two');
    });
    await until(() => troubleOf(driven) === null);
    expect(driven.driver.status()).toMatchObject({ file: 'in step' });
  },
);

test('a command that HAProxy refuses where no reload is possible is trouble, and counted', async () => {
  await using scratch = await createLimited('operator');
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  const port = await freePort();
  const web = (...members: ReturnType<typeof member>[]) =>
    snapshotOf(service('web', { port, listen: ['mode http'] }, members));
  {
    await using driven = drive(scratch.config);
    await driven.apply(web(member(one.port), member(two.port)));
  }
  for (const key of ['do_reloads', 'do_writes'] as const) {
    const { config_file_path, reload_command, ...rest } = scratch.config;
    const config = key === 'do_reloads' ? { ...rest, config_file_path } : rest;
    await using driven = drive({ ...config, ...quick, do_reloads: false, [key]: false });
    await driven.apply(web(member(two.port)));
    expect(troubleOf(driven)).toMatch(/^web: HAProxy refused drain of .*Permission denied/);
    expect(driven.driver.status()).toMatchObject({
      file: expect.stringContaining('not in step'),
    });
    expect(await driven.metrics()).toContain('synapse_haproxy_services_not_in_step 1');
    // It is over when the member is back.
    await driven.apply(web(member(one.port), member(two.port)));
    await until(() => troubleOf(driven) === null);
    expect(await driven.metrics()).toContain('synapse_haproxy_services_not_in_step 0');
  }
});

test('a backend that a HAProxy of others does not have is trouble, until it is there', async () => {
  await using scratch = await createLimited('admin');
  await using one = await startCopy('one');
  const services = (...ports: readonly number[]) =>
    snapshotOf(
      ...ports.map((port, index) =>
        service(['web', 'api'][index] ?? '', { port, listen: ['mode http'] }, [member(one.port)]),
      ),
    );
  const [web, api] = [await freePort(), await freePort()];
  {
    await using driven = drive(scratch.config);
    await driven.apply(services(web));
  }
  const { config_file_path: _, reload_command: __, ...rest } = scratch.config;
  await using driven = drive({ ...rest, ...quick, do_writes: false, do_reloads: false });
  await driven.apply(services(web, api));
  expect(troubleOf(driven)).toMatch(/^api: HAProxy has no backend api, and do_writes is false: /);
  expect(await driven.metrics()).toContain('synapse_haproxy_services_not_in_step 1');
  {
    await using writer = drive({ ...scratch.config, ...quick });
    await writer.apply(services(web, api));
  }
  await until(() => troubleOf(driven) === null);
  expect(await answerOf(api)).toBe('one');
});

test('a reload that does not help is not done again and again', async () => {
  await using scratch = await createLimited('operator');
  const port = await freePort();
  const main = scratch.config.config_file_path ?? '';
  // A reload by hand gives HAProxy one more server.
  const reload_command = `sed -e '/^backend web/a server more 127.0.0.1:9' ${main} > ${main}.run; ${scratch.run(`${main}.run`)}; echo x >> ${main}.count`;
  await using driven = drive({ ...scratch.config, ...quick, reload_command });
  await driven.apply(snapshotOf(service('web', { port, listen: ['mode http'] }, [])));
  await until(() => /web: .*the reload did not help/.test(troubleOf(driven) ?? ''));
  const count = async () => (await readFile(`${main}.count`, 'utf8')).length;
  const [before, time] = [await count(), performance.now()];
  await until(() => performance.now() - time > 1_500);
  expect(await count()).toBe(before);
});

test('an announced weight comes to a service with a static balance by a reload', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const port = await freePort();
  const web = (weight: number) =>
    snapshotOf(
      service('web', { port, listen: ['mode http', 'balance source'] }, [
        { ...member(one.port), weight },
      ]),
    );
  await using driven = drive({ ...run.config, ...quick, use_nerve_weights: true });
  await driven.apply(web(10));
  await driven.apply(web(50));
  const haproxy = oracleAt(run.socket);
  const state = () => haproxy.ask('show servers state web');
  await until(async () => /127\.0\.0\.1 2 0 50 50 /.test(await state()));
  // It is reloaded for that once.
  const pid = async () => /^Pid: (\d+)$/m.exec(await haproxy.ask('show info'))?.[1];
  const after = await pid();
  await driven.apply(web(50));
  expect(await pid()).toBe(after);
});

test('a HAProxy that something else runs and that does not answer is not said to be started again', async () => {
  await using scratch = await createLimited('admin');
  const { config_file_path: _, reload_command: __, ...config } = scratch.config;
  await using driven = drive({ ...config, do_writes: false, do_reloads: false });
  const web = snapshotOf(service('web', { port: await freePort() }, []));
  await expect(driven.apply(web)).rejects.toThrow(
    `haproxy does not answer at ${scratch.path('stats.sock')}: check that its service manager starts it`,
  );
});

const troubleOf = ({ driver }: ReturnType<typeof drive>) =>
  (driver.status() as { trouble: string | null }).trouble;

/** A HAProxy that something else runs, whose stats socket is of a level. */
async function createLimited(
  level: string,
): Promise<Scratch & { readonly config: TopConfig; run(file: string): string }> {
  const scratch = await createScratch();
  const [file, pid] = [scratch.path('haproxy.cfg'), scratch.path('pid')];
  await writeFile(pid, '');
  const run = (path: string) => `${program} -D -f ${path} -p ${pid} -sf $(cat ${pid})`;
  return {
    ...scratch,
    run,
    config: {
      binary: program,
      reload_command: run(file),
      config_file_path: file,
      socket_file_path: scratch.path('stats.sock'),
      global: [`stats socket ${scratch.path('stats.sock')} level ${level}`],
      defaults: ['timeout connect 5s', 'timeout client 1m', 'timeout server 1m'],
    },
    [Symbol.asyncDispose]: async () => {
      const pids = (await readFile(pid, 'utf8')).split('\n').filter(Boolean);
      if (pids.length > 0) await execa('kill', pids, { reject: false });
      await scratch[Symbol.asyncDispose]();
    },
  };
}

import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { until } from '../support/until.ts';
import { runCheck, type ServerOptions, startServer } from './server.ts';

const redis: ServerOptions = {
  command: ({ port }) => [
    'redis-server',
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--requirepass',
    'right',
    '--save',
    '',
  ],
};

const postgresBinaries = () =>
  `/usr/lib/postgresql/${readdirSync('/usr/lib/postgresql').sort().at(-1)}/bin`;
const postgres: ServerOptions = {
  user: 'postgres',
  prepare: async (run, { directory }) => {
    await writeFile(join(directory, 'password'), 'right', { mode: 0o644 });
    const access = ['-U', 'nerve', '-A', 'scram-sha-256', `--pwfile=${directory}/password`];
    await run([`${postgresBinaries()}/initdb`, '-N', '-D', `${directory}/data`, ...access]);
  },
  command: ({ directory, port }) => [
    `${postgresBinaries()}/postgres`,
    '-D',
    `${directory}/data`,
    '-p',
    `${port}`,
    '-h',
    '127.0.0.1',
    '-k',
    directory,
  ],
};

const mariadb: ServerOptions = {
  user: 'mysql',
  prepare: async (run, { directory }) => {
    const sql = "CREATE USER nerve@'127.0.0.1' IDENTIFIED BY 'right';";
    await writeFile(join(directory, 'init.sql'), sql);
    const install = ['--no-defaults', `--datadir=${directory}/data`, '--skip-test-db'];
    await run(['mysql_install_db', ...install]);
  },
  command: ({ directory, port }) => [
    'mariadbd',
    '--no-defaults',
    '--skip-name-resolve',
    '--bind-address=127.0.0.1',
    `--datadir=${directory}/data`,
    `--port=${port}`,
    `--socket=${directory}/socket`,
    `--init-file=${directory}/init.sql`,
  ],
};

const rabbitmq: ServerOptions = {
  companion: ({ otherPort }) => ['epmd', '-port', `${otherPort}`, '-address', '127.0.0.1'],
  command: () => ['/usr/lib/rabbitmq/bin/rabbitmq-server'],
  env: ({ directory, port, otherPort, thirdPort }) => ({
    HOME: directory,
    ERL_EPMD_PORT: `${otherPort}`,
    RABBITMQ_NODENAME: `nerve-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: `${port}`,
    // By itself it would take the node's port + 20000, which an outgoing connection may have.
    RABBITMQ_DIST_PORT: `${thirdPort}`,
    RABBITMQ_MNESIA_BASE: `${directory}/mnesia`,
    RABBITMQ_LOGS: '-',
    RABBITMQ_ENABLED_PLUGINS_FILE: `${directory}/plugins`,
  }),
};

const servers = [
  ['redis', redis, { type: 'redis', password: 'right' }, /WRONGPASS/],
  [
    'postgres',
    postgres,
    { type: 'postgres', username: 'nerve', password: 'right' },
    /password authentication failed/,
  ],
  [
    'mysql',
    mariadb,
    { type: 'mysql', username: 'nerve', password: 'right' },
    /Access denied for user 'nerve'/,
  ],
  ['rabbitmq', rabbitmq, { type: 'rabbitmq', password: 'guest' }, /ACCESS_REFUSED/],
] as const;

describe.each(servers)('a check of type %s', (_, options, keys, denial) => {
  test('follows a real server through its life', async () => {
    await using server = await startServer(options);
    const passes = async () => (await runCheck(keys, server)).passed;

    await until(passes, 60_000);
    expect(await runCheck(keys, server)).toMatchObject({ passed: true });
    expect((await runCheck({ ...keys, password: 'wrong' }, server)).reason).toMatch(denial);

    server.kill('SIGSTOP');
    const hung = await runCheck({ ...keys, timeout: 0.3 }, server);
    expect(hung.reason).toContain('no answer within 300 ms');
    server.kill('SIGCONT');
    await until(passes);

    server.kill('SIGKILL');
    await until(async () => !(await passes()));
    expect((await runCheck(keys, server)).reason).toMatch(/: refused$/);
  });
});

test('a query of ours decides a database check', async () => {
  await using server = await startServer(postgres);
  const keys = { type: 'postgres', username: 'nerve', password: 'right' };
  await until(async () => (await runCheck(keys, server)).passed);
  const { reason } = await runCheck({ ...keys, query: 'SELECT * FROM nowhere' }, server);
  expect(reason).toContain('relation "nowhere" does not exist');
});

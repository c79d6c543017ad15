import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createMetrics } from '@smartstack/daemon';
import { pino } from 'pino';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { haproxySchema } from '../../packages/haproxy/src/config/config.ts';
import { createHaproxyDriver } from '../../packages/haproxy/src/driver.ts';
import { refresh, refusedBy } from '../../packages/proxy/src/status-of.ts';
import { soon, startBeside } from './beside.ts';

vi.setConfig({ testTimeout: 30_000 });

/** A folder, and HAProxys in it that are driven until the test's end. */
async function createPlace(atEnd: TestContext['onTestFinished']) {
  const directory = await mkdtemp(join(tmpdir(), 'force-'));
  // After whatever still uses it, which comes later and ends before.
  atEnd(() => rm(directory, { recursive: true, force: true }));
  const at: At = (...names) => join(directory, ...names);
  const open = (config: object) => {
    const driver = createHaproxyDriver(haproxySchema.parse(config), {
      log: pino({ level: 'silent' }),
      metrics: createMetrics(),
    });
    atEnd(async () => {
      await driver[Symbol.asyncDispose]();
    });
    return driver;
  };
  return { at, open };
}

type At = (...names: string[]) => string;

const external = (at: At, more: object) => ({
  do_writes: true,
  do_socket: false,
  do_reloads: false,
  do_checks: false,
  config_file_path: at('haproxy.cfg'),
  binary: '/nowhere/haproxy',
  restart_interval: 0,
  reload_timeout: '1s',
  ...more,
});

describe.concurrent('HAProxy', () => {
  /** What a hostile process does at HAProxy's stats socket. */
  const peers: Readonly<Record<string, (socket: Socket) => void>> = {
    'closes at once': (socket) => socket.destroy(),
    'answers nonsense': (socket) => socket.end('\u0000<html>\n> \n> nonsense\n> '),
    'answers no end of nonsense': (socket) => {
      const more = () => {
        if (!socket.destroyed) socket.write('x'.repeat(65_536), () => setTimeout(more, 20));
      };
      more();
    },
    'never answers': () => {},
  };
  test.for<[string, (at: At) => object, RegExp]>([
    [
      'cannot be run',
      (at) => ({ binary: '/nowhere/haproxy', run_directory: at('run') }),
      /nowhere\/haproxy/,
    ],
    [
      'has a run directory that cannot be made',
      (at) => ({ run_directory: at('file', 'run'), binary: '/nowhere/haproxy' }),
      /./,
    ],
    [
      'has a file that cannot be written',
      (at) => external(at, { config_file_path: at('file', 'x.cfg') }),
      /ENOTDIR|EEXIST/,
    ],
    [
      'has a reload command that fails',
      (at) => external(at, { do_reloads: true, reload_command: 'echo no; exit 3' }),
      /exit code 3/,
    ],
    [
      'has a reload command that never ends',
      (at) => external(at, { do_reloads: true, reload_command: 'sleep 60' }),
      /no end in 1000 ms/,
    ],
  ])(
    'that %s is shown, said once, and tried again',
    async ([, config, reason], { onTestFinished }) => {
      const { at, open } = await createPlace(onTestFinished);
      await writeFile(at('file'), '');
      const driver = open(config(at));
      const { trouble, goesOn, said } = await startBeside(driver, onTestFinished);
      await vi.waitFor(() => expect(trouble()).toMatch(reason), soon);
      await goesOn('next');
      await goesOn('another');
      expect(said()).toHaveLength(1);
    },
  );

  test.for(Object.keys(peers))(
    'whose stats socket %s is shown, and asked in bounded time',
    async (how, { onTestFinished }) => {
      const { at, open } = await createPlace(onTestFinished);
      const server = createServer((socket) => {
        socket.on('error', () => {});
        peers[how]?.(socket);
      });
      await once(server.listen(at('stats.sock')), 'listening');
      onTestFinished(() => void server.close());
      const driver = open(
        external(at, {
          do_socket: true,
          socket_file_path: at('stats.sock'),
          do_reloads: true,
          reload_command: 'true',
        }),
      );
      const { trouble, goesOn } = await startBeside(driver, onTestFinished);
      await goesOn('next');
      await vi.waitFor(() => expect(trouble()).toMatch(/./), 20_000);
      const { signal } = new AbortController();
      await refresh(driver, signal);
      expect(refusedBy(driver)).toEqual([]);
      await driver.measure?.(signal).catch(() => {});
      await goesOn('another');
    },
  );
});

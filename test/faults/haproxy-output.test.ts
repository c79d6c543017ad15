import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createMetrics } from '@smartstack/daemon';
import { pino } from 'pino';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { haproxySchema } from '../../packages/haproxy/src/config/config.ts';
import { createHaproxyDriver } from '../../packages/haproxy/src/driver.ts';
import { refresh, refusedBy } from '../../packages/proxy/src/status-of.ts';
import { soon, startBeside } from './beside.ts';

vi.setConfig({ testTimeout: 30_000 });

let directory: string;
beforeEach(async () => {
  const made = await mkdtemp(join(tmpdir(), 'force-'));
  directory = made;
  // After whatever still uses it, which comes later and ends before.
  onTestFinished(() => rm(made, { recursive: true, force: true }));
});
const at = (...names: string[]) => join(directory, ...names);

describe('HAProxy', () => {
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
  const external = (more: object) => ({
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
  const open = (config: object) => {
    const driver = createHaproxyDriver(haproxySchema.parse(config), {
      log: pino({ level: 'silent' }),
      metrics: createMetrics(),
    });
    onTestFinished(async () => {
      await driver[Symbol.asyncDispose]();
    });
    return driver;
  };

  test.each<[string, () => object, RegExp]>([
    [
      'cannot be run',
      () => ({ binary: '/nowhere/haproxy', run_directory: at('run') }),
      /nowhere\/haproxy/,
    ],
    [
      'has a run directory that cannot be made',
      () => ({ run_directory: at('file', 'run'), binary: '/nowhere/haproxy' }),
      /./,
    ],
    [
      'has a file that cannot be written',
      () => external({ config_file_path: at('file', 'x.cfg') }),
      /ENOTDIR|EEXIST/,
    ],
    [
      'has a reload command that fails',
      () => external({ do_reloads: true, reload_command: 'echo no; exit 3' }),
      /exit code 3/,
    ],
    [
      'has a reload command that never ends',
      () => external({ do_reloads: true, reload_command: 'sleep 60' }),
      /no end in 1000 ms/,
    ],
  ])('that %s is shown, said once, and tried again', async (_, config, reason) => {
    await writeFile(at('file'), '');
    const driver = open(config());
    const { trouble, goesOn, said } = await startBeside(driver);
    await vi.waitFor(() => expect(trouble()).toMatch(reason), soon);
    await goesOn('next');
    await goesOn('another');
    expect(said()).toHaveLength(1);
  });

  test.each(Object.keys(peers))(
    'whose stats socket %s is shown, and asked in bounded time',
    async (how) => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        peers[how]?.(socket);
      });
      await once(server.listen(at('stats.sock')), 'listening');
      onTestFinished(() => void server.close());
      const driver = open(
        external({
          do_socket: true,
          socket_file_path: at('stats.sock'),
          do_reloads: true,
          reload_command: 'true',
        }),
      );
      const { trouble, goesOn } = await startBeside(driver);
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

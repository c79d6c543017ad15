import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createStatsd, type Statsd } from '@smartstack/daemon';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ProxyDriver } from '../../packages/proxy/src/driver.ts';
import { refresh, refusedBy } from '../../packages/proxy/src/status-of.ts';
import { createFileOutput } from '../../packages/synapse/src/outputs/file-output.ts';
import { createStatsdDriver } from '../../packages/synapse/src/outputs/statsd.ts';
import { recorder, soon, startBeside } from './beside.ts';

vi.setConfig({ testTimeout: 30_000 });

const fail = () => {
  throw new Error('a defect');
};
let directory: string;
beforeEach(async () => {
  const made = await mkdtemp(join(tmpdir(), 'force-'));
  directory = made;
  // After whatever still uses it, which comes later and ends before.
  onTestFinished(() => rm(made, { recursive: true, force: true }));
});
const at = (...names: string[]) => join(directory, ...names);

describe('file_output', () => {
  const open = () => createFileOutput({ output_directory: at('out') });

  test.each([
    ['its folder cannot be made', () => writeFile(at('out'), ''), () => rm(at('out'))],
    [
      'a service’s file cannot be written',
      () => mkdir(at('out', 'broken.json'), { recursive: true }),
      () => rm(at('out', 'broken.json'), { recursive: true }),
    ],
  ])(
    'from the start, where %s: it is shown, said once and done once it can be',
    async (_, bad, repair) => {
      await bad();
      const { trouble, goesOn, said } = await startBeside(open());
      await vi.waitFor(() => expect(trouble()).toMatch(/./), soon);
      await goesOn('next');
      await goesOn('another');
      expect(said()).toHaveLength(1);
      await repair();
      await vi.waitFor(() => expect(trouble()).toBeUndefined(), soon);
      expect((await readdir(at('out'))).sort()).toEqual(['api.json', 'broken.json']);
    },
  );

  test('a file that cannot be written holds up no other service’s, and none that is to go', async () => {
    await mkdir(at('out', 'broken.json'), { recursive: true });
    await mkdir(at('out', 'foreign.json'));
    await writeFile(at('out', 'gone.json'), '');
    const { trouble, goesOn } = await startBeside(open());
    await goesOn('next');
    await vi.waitFor(
      async () => expect(await readFile(at('out', 'api.json'), 'utf8')).toContain('"next"'),
      soon,
    );
    await vi.waitFor(async () => expect(await readdir(at('out'))).not.toContain('gone.json'), soon);
    expect(trouble()).toMatch(/^cannot write .*broken\.json: /);
  });

  test('a folder that is taken away later is made again', async () => {
    const { trouble, goesOn, said } = await startBeside(open());
    await vi.waitFor(async () => expect(await readdir(at('out'))).toHaveLength(2), soon);
    await rm(at('out'), { recursive: true });
    await writeFile(at('out'), '');
    await goesOn('next');
    await vi.waitFor(() => expect(trouble()).toMatch(/ENOTDIR|EEXIST/), soon);
    expect(said()).not.toHaveLength(0);
    await rm(at('out'));
    await vi.waitFor(() => expect(trouble()).toBeUndefined(), soon);
    expect(await readFile(at('out', 'api.json'), 'utf8')).toContain('"next"');
  });
});

describe('statsd', () => {
  /** A whole statsd that fails for counters of this name while it is told to. */
  function failing(name: string) {
    const counted: string[] = [];
    const control = { fails: true, counted };
    const statsd: Statsd = {
      increment: (each) => {
        if (control.fails && each === name) fail();
        counted.push(each);
      },
      [Symbol.dispose]: () => {},
    };
    return { statsd, control };
  }
  const options = { version: '1', hosts: [], followed: () => undefined };

  test.each([
    ['at its start', 'synapse.start'],
    ['at a change', 'synapse.config.update'],
    ['at a service’s start', 'synapse.watcher.start'],
    ['when it pings', 'synapse.watcher.ping.count'],
  ])('that throws %s is shown, said once, and tried again', async (_, name) => {
    const { statsd, control } = failing(name);
    const { trouble, goesOn, said } = await startBeside(createStatsdDriver({ statsd, ...options }));
    await vi.waitFor(() => expect(trouble()).toBe('a defect'), soon);
    await goesOn('next');
    expect(said()).toHaveLength(1);
    control.fails = false;
    await vi.waitFor(() => expect(control.counted).toContain(name), soon);
    await vi.waitFor(() => expect(trouble()).toBeUndefined(), soon);
  });

  test('that cannot say how a service is found is shown, said once, and tried again', async () => {
    const { statsd } = failing('none');
    let fails = true;
    const followed = () => (fails ? fail() : undefined);
    const driver = createStatsdDriver({ statsd, ...options, followed });
    const { trouble, goesOn, said } = await startBeside(driver);
    await vi.waitFor(() => expect(trouble()).toBe('a defect'), soon);
    await goesOn('next');
    expect(said()).toHaveLength(1);
    fails = false;
    await vi.waitFor(() => expect(trouble()).toBeUndefined(), soon);
  });

  test.each([
    ['127.0.0.1', 9],
    ['no-such.invalid', 8125],
  ])('%s:%d, where no process listens, is no trouble', async (host, port) => {
    using statsd = createStatsd({ host, port });
    const driver = createStatsdDriver({ statsd, ...options });
    const { trouble, goesOn, said } = await startBeside(driver);
    await goesOn('next');
    await driver[Symbol.asyncDispose]();
    expect(trouble()).toBeUndefined();
    expect(said()).toEqual([]);
  });
});

describe('a whole driver that fails', () => {
  const { driver } = recorder();
  const reject = async () => fail();
  const parts: readonly (readonly [string, Partial<ProxyDriver>])[] = [
    ['apply, which throws', { apply: fail }],
    ['apply, which rejects', { apply: reject }],
    ['prepare, which rejects, and apply', { prepare: reject, apply: reject }],
    ['wakes, when it is called', { wakes: fail }],
    [
      'wakes, before it yields',
      {
        // biome-ignore lint/correctness/useYield: it fails before it has anything to say
        wakes: async function* () {
          fail();
        },
      },
    ],
  ];
  test.each(parts)('%s: is shown, said once, and its neighbour goes on', async (_, part) => {
    const broken = { ...driver, name: 'broken', ...part };
    const { trouble, goesOn, said } = await startBeside(broken);
    await goesOn('next');
    await vi.waitFor(() => expect(trouble()).toBe('a defect'), soon);
    await goesOn('another');
    expect(said()).toHaveLength(1);
  });

  test('status, refresh and refused: the others are shown all the same', async () => {
    const broken: ProxyDriver = {
      ...driver,
      name: 'broken',
      status: fail,
      refused: fail,
      measure: reject,
      serves: fail,
    };
    const { trouble, goesOn, scene } = await startBeside(broken);
    await goesOn('next');
    expect(trouble()).toBe('cannot show its status: a defect');
    expect(refusedBy(broken)).toEqual([]);
    const { signal } = new AbortController();
    await refresh({ ...broken, refresh: fail }, signal);
    await refresh({ ...broken, refresh: reject }, signal);
    expect(scene.explained([{ ...broken, name: 'haproxy' }])).toMatchObject({ service: 'broken' });
  });
});

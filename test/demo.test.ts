import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

import { processesNaming } from '../examples/demo/processes.ts';
import { freePort } from './support/ports.ts';
import { createScratch } from './support/scratch.ts';
import { until } from './support/until.ts';

describe('npm run demo -- --once', () => {
  test.for([
    ['ZooKeeper', []],
    ['a file registry', ['--registry', 'file']],
  ] as const)('tells the story on %s, loses no request and leaves nothing', async ([, options]) => {
    await using demo = await startDemo(['--once', ...options]);
    const { exitCode, all } = await demo.ended;
    expect(all).toMatch(
      /web-2 is killed .*\n.*withdrew it after \d+ ms\n.*rotation after \d+ ms\n/,
    );
    expect(all).toMatch(/web-4 is new\n.*announced it \d+ ms .*\n.*first answer \d+ ms after/);
    expect(all).toMatch(/: [\d,]+ answered, 0 lost\n/);
    expect(exitCode).toBe(0);
    expect(await demo.remaining()).toEqual([]);
  });

  test('fails with the reason when a daemon dies, and ends the HAProxy that it leaves', async () => {
    await using demo = await startDemo(['--once', '--registry', 'file']);
    await demo.says('spread over the copies');
    process.kill(await demo.pidOf('synapse.yaml'), 'SIGKILL');
    const { exitCode, all } = await demo.ended;
    expect(all).toContain('the demo failed: synapse was ended by SIGKILL');
    expect(exitCode).toBe(1);
    expect(await demo.remaining()).toEqual([]);
  });

  test('is not content when it was interrupted', async () => {
    await using demo = await startDemo(['--once', '--registry', 'file']);
    await demo.says('three copies');
    demo.kill('SIGTERM');
    const { exitCode, all } = await demo.ended;
    expect(all).toContain('the demo failed: interrupted by SIGTERM');
    expect(exitCode).toBe(1);
    expect(await demo.remaining()).toEqual([]);
  });
});

/** They wait for seconds: for a person to read, and for what cannot come. */
describe.concurrent('side by side, npm run demo', () => {
  test('stays until Ctrl-C, counts what was lost, and leaves nothing', async () => {
    await using demo = await startDemo(['--registry', 'file', '--port', `${await freePort()}`]);
    await demo.says('Now it is yours');
    demo.kill('SIGINT');
    const { exitCode, all } = await demo.ended;
    expect(all).toMatch(/: [\d,]+ answered, 0 lost\n/);
    expect(exitCode).toBe(0);
    expect(await demo.remaining()).toEqual([]);
  });

  test('-- --once fails with the reason when HAProxy cannot run, and leaves nothing', async () => {
    const broken = '[ "$1" = -v ] && echo HAProxy version 2.6.12 && exit; echo broken >&2; exit 1';
    await using demo = await startDemo(['--once', '--registry', 'file'], { haproxy: broken });
    const { exitCode, all } = await demo.ended;
    expect(all).toMatch(/synapse: .*cannot run haproxy/);
    expect(all).toContain(
      'the demo failed: HAProxy sends requests to three copies: not within 15 s',
    );
    expect(exitCode).toBe(1);
    expect(await demo.remaining()).toEqual([]);
  });
});

describe('npm run demo', () => {
  test.for([
    ['SIGTERM', 'web-2 is killed'],
    ['SIGHUP', 'three copies'],
  ] as const)(
    'leaves nothing after %s, in the middle of the story too',
    async ([signal, words]) => {
      await using demo = await startDemo(['--registry', 'file']);
      await demo.says(words);
      demo.kill(signal);
      expect(await demo.ended).toMatchObject({ exitCode: 0 });
      expect(await demo.remaining()).toEqual([]);
    },
  );

  test.for([
    [['--registry', 'etcd'], 1, 'cannot use registry etcd: expected zookeeper or file'],
    [['--port', 'http'], 1, 'cannot use port http: expected a number from 1 to 65535'],
    [['--twice'], 2, 'demo: there is no option --twice; npm run demo -- --help lists them'],
    [['--help'], 0, 'usage: npm run demo [-- OPTIONS]'],
  ] as const)('answers to %j', async ([options, code, answer]) => {
    await using demo = await startDemo(options);
    const { exitCode, all } = await demo.ended;
    expect(all).toContain(answer);
    expect(all?.split('\n').length).toBeLessThan(20);
    expect(exitCode).toBe(code);
  });
});

/** Starts the demo where the temporary folder is the test's own, and some programs are others. */
async function startDemo(
  options: readonly string[],
  programs: Readonly<Record<string, string>> = {},
) {
  const scratch = await createScratch();
  const [bin, temporary] = [scratch.path('bin'), scratch.path('tmp')];
  await Promise.all([mkdir(bin), mkdir(temporary)]);
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(`${bin}/${name}`, `#!/bin/sh\n${script}\n`);
    await chmod(`${bin}/${name}`, 0o755);
  }
  let output = '';
  const child = execa('bash', ['scripts/demo.sh', ...options], {
    all: true,
    reject: false,
    env: { PATH: `${bin}:${process.env.PATH}`, TMPDIR: temporary },
    forceKillAfterDelay: 30_000,
  });
  child.all.on('data', (part) => {
    output += part;
  });
  return {
    ended: child,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    says: (text: string) => until(() => output.includes(text), 40_000),
    /** Of the daemon that runs on a file of this name. */
    async pidOf(file: string) {
      const daemons = await processesNaming(temporary);
      return daemons.find(({ words }) => words.at(-2)?.endsWith(file))?.pid ?? 0;
    },
    /** Files and processes that are still there. */
    async remaining() {
      return [...(await readdir(temporary)), ...(await processesNaming(temporary))];
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await child;
      await scratch[Symbol.asyncDispose]();
    },
  };
}

import { describe, expect, test } from 'vitest';

import { startDemo } from './support/demo.ts';
import { freePort } from './support/ports.ts';

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

/** They wait for seconds: for what cannot come, and for a person to read. Each has a port of its own. */
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

  test.for([
    ['SIGTERM', 'web-2 is killed'],
    ['SIGHUP', 'three copies'],
  ] as const)(
    'leaves nothing after %s, in the middle of the story too',
    async ([signal, words]) => {
      await using demo = await startDemo(['--registry', 'file', '--port', `${await freePort()}`]);
      await demo.says(words);
      demo.kill(signal);
      expect(await demo.ended).toMatchObject({ exitCode: 0 });
      expect(await demo.remaining()).toEqual([]);
    },
  );

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
    [['--registry', 'etcd'], 1, 'cannot use registry etcd: expected zookeeper or file'],
    [['--proxy', 'nginx'], 1, 'cannot use proxy nginx: expected haproxy or envoy'],
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

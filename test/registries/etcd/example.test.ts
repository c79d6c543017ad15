import { execa } from 'execa';
import { expect, test } from 'vitest';

test('examples/etcd: nothing that fails in etcd or nerve costs a request', async () => {
  const args = ['--conditions=source', '--import', 'tsx', 'examples/etcd/run.ts'];
  const { exitCode, all } = await execa('node', args, {
    env: { TSX_DISABLE_CACHE: '1' },
    all: true,
    reject: false,
    forceKillAfterDelay: 30_000,
  });
  expect(exitCode, all).toBe(0);
  const said = all.split('\n').filter((line) => /^(in etcd|200 requests)/.test(line));
  // On a busy machine a check may fail now and then, and the other copy has more of them.
  const answered = said.map((line) => {
    const [, what = '', counts = ''] = /^(.*): (.*)$/.exec(line) ?? [];
    const sum = [...counts.matchAll(/ (\d+)(?=,|$)/g)].reduce(
      (all, [, each]) => all + Number(each),
      0,
    );
    return `${what}: ${sum}`;
  });
  expect(answered).toEqual([
    'in etcd: 2',
    '200 requests: 200',
    '200 requests, one server of etcd killed: 200',
    "200 requests, vm-1's nerve killed and started again: 200",
    '200 requests, all of etcd gone: 200',
    '200 requests, all of etcd gone and web-2 too: 200',
    '200 requests, all back: 200',
  ]);
});

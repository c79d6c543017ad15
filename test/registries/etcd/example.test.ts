import { execa } from 'execa';
import { expect, test } from 'vitest';

test('examples/etcd: nothing that fails in etcd or nerve costs a request', async () => {
  const { exitCode, all } = await execa(
    'node',
    ['--conditions=source', '--import', 'tsx', 'examples/etcd/run.ts'],
    {
      env: { TSX_DISABLE_CACHE: '1' },
      all: true,
      reject: false,
      forceKillAfterDelay: 30_000,
    },
  );
  expect(exitCode, all).toBe(0);
  const both = 'web-1 100, web-2 100';
  const said = all.split('\n').filter((line) => /^(in etcd|200 requests)/.test(line));
  expect(said).toEqual([
    'in etcd: keys 2',
    `200 requests: ${both}`,
    `200 requests, one server of etcd killed: ${both}`,
    `200 requests, vm-1's nerve killed and started again: ${both}`,
    `200 requests, all of etcd gone: ${both}`,
    '200 requests, all of etcd gone and web-2 too: web-1 200',
    `200 requests, all back: ${both}`,
  ]);
});

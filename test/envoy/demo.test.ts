import { expect, test } from 'vitest';

import { startDemo } from '../support/demo.ts';

test('npm run demo -- --once --proxy envoy tells the story, loses no request and leaves nothing', async () => {
  await using demo = await startDemo(['--once', '--proxy', 'envoy', '--registry', 'file']);
  const { exitCode, all } = await demo.ended;
  expect(all).toContain('synapse, and its Envoy on 127.0.0.1:');
  expect(all).toMatch(
    /web-2 is killed .*\n.*withdrew it after \d+ ms\n.*Envoy's rotation after \d+ ms\n/,
  );
  expect(all).toMatch(/web-4 is new\n.*announced it \d+ ms .*\n.*first answer \d+ ms after/);
  expect(all).toMatch(/: [\d,]+ answered, 0 lost\n/);
  expect(exitCode).toBe(0);
  expect(await demo.remaining()).toEqual([]);
});

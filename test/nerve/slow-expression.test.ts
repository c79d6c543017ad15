import { createServer } from 'node:http';

import { expect, onTestFinished, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

test('a body that takes an expression for ever elsewhere holds up neither nerve nor its other services', async () => {
  await using scratch = await createScratch();
  await using copy = await startCopy('good');
  const port = await freePort();
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.end(`${'a'.repeat(34)}!`);
  }).listen(port, '127.0.0.1');
  onTestFinished(() => void server.close());
  const status = await freePort();
  await using nerve = await startDaemon(
    'nerve',
    {
      instance_id: 'vm-1',
      status_address: `127.0.0.1:${status}`,
      registry: { type: 'file', directory: scratch.path('registry') },
      services: {
        good: { host: '127.0.0.1', port: copy.port, checks: [{ type: 'tcp', timeout: 5 }] },
        slow: {
          host: '127.0.0.1',
          port,
          check_interval: 0.1,
          checks: [{ type: 'http', uri: '/', expect_match: '^(a+)+$', timeout: 5 }],
        },
      },
    },
    scratch.directory,
  );
  const services = async () =>
    (
      (await (await fetch(`http://127.0.0.1:${status}/status`)).json()) as {
        services: Record<string, { state: string; announced: boolean; reason?: string }>;
      }
    ).services;
  await until(() => asked > 5);
  await until(async () => (await services()).good?.announced);
  expect((await services()).slow).toMatchObject({
    state: 'down',
    announced: false,
    reason: expect.stringContaining('the body does not match /^(a+)+$/'),
  });
  expect(nerve.log.filter(({ level }) => level >= 50)).toEqual([]);
});

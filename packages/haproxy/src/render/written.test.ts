import { expect, test } from 'vitest';

import { serverLine } from './server.ts';
import { readWritten } from './written.ts';

test('a server line reads back as it was written', () => {
  const servers = [
    { name: 'a_10.0.0.1:80', host: '10.0.0.1', port: 80, weight: undefined, options: '' },
    { name: 'b', host: '::1', port: 8080, weight: 7, options: 'check inter 2s' },
    { name: 's', host: 'unix@/run/web.sock', port: 0, weight: 2, options: 'check' },
    { name: 'c', host: 'web.local', port: 1, weight: 0, options: '' },
  ];
  const lines = servers.map((server, index) => `\t${serverLine(server, index + 1)}`);
  const text = ['backend web', '\tbalance first', '\tserver mine 1.2.3.4:5', ...lines].join('\n');
  const { backends, sections } = readWritten(`${text}\n`);
  expect([...(backends.get('web')?.values() ?? [])].map(({ server }) => server)).toEqual(servers);
  expect(sections[0]?.lines).toContain('balance first');
});

test('a file that synapse did not write has no shape', () => {
  expect(readWritten('global\n\tdaemon\n').shape).toBeUndefined();
});

import { expect, test } from 'vitest';

import { addServer } from './command.ts';

test.each([
  ['check inter 50 fastinter 1', 'check inter 50ms fastinter 1ms'],
  ['downinter 5s agent-inter 2000', 'downinter 5s agent-inter 2000ms'],
  ['weight 50 on-error fastinter rise 2', 'weight 50 on-error fastinter rise 2'],
])('a server with %j is added with %j: durations have their unit', (options, words) => {
  const server = { name: 'a', host: '127.0.0.1', port: 80, weight: undefined, options };
  const [command] = addServer('web', server, { id: 5, defaults: [] }).commands;
  expect(command).toContain(`add server web/a 127.0.0.1:80 id 5 ${words} `);
});

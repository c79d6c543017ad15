import { expect, test } from 'vitest';

import { parseProcesses, parseServersState } from './server-state.ts';

test('servers as HAProxy 2.6 shows them', () => {
  const text = [
    '1',
    '# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight …',
    '3 web 11 a 127.0.0.1 2 0 5 1 0 8 2 0 6 0 0 1 - 23101 - 0 0 - - 0',
    '3 web 12 b ::1 0 1 1 1 0 8 2 0 6 0 0 1 - 80 - 0 0 - - 0',
    '4 other 13 c 10.0.0.1 2 8 0 1 0 8 2 0 6 0 0 1 - 80 - 0 0 - - 0',
    '',
  ].join('\n');
  const backends = parseServersState(text);
  expect(backends.get('web')).toEqual([
    {
      name: 'a',
      id: 11,
      host: '127.0.0.1',
      port: 23_101,
      weight: 5,
      operational: 'running',
      maintenance: false,
      drain: false,
      backendId: 3,
    },
    expect.objectContaining({ name: 'b', host: '::1', operational: 'stopped', maintenance: true }),
  ]);
  expect(backends.get('other')).toMatchObject([{ drain: true, weight: 0 }]);
  expect(() => parseServersState("Can't find backend.")).toThrow('unexpected servers state');
});

test('processes of a master, with its failed reloads and old workers', () => {
  const text = [
    '#<PID>          <type>          <reloads>       <uptime>        <version>      ',
    '13809           master          2 [failed: 1]   0d00h00m01s     2.6.12-1+deb12u4',
    '# workers',
    '13812           worker          0               0d00h00m01s     2.6.12-1+deb12u4',
    '# old workers',
    '13811           worker          1               0d00h00m01s     2.6.12-1+deb12u4',
    '# programs',
  ].join('\n');
  expect(parseProcesses(text)).toEqual({
    master: 13_809,
    reloads: 2,
    failed: 1,
    version: '2.6.12-1+deb12u4',
    workers: [13_812],
    oldWorkers: [13_811],
  });
});

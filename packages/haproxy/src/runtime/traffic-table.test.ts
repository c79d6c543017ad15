import { expect, test } from 'vitest';

import { parseTrafficTable } from './traffic-table.ts';

const counters = (values: readonly number[]) =>
  values.map((value, index) => `gpc${index}=${value}`).join(' ');

test('requests, buckets and errors are read by service and route', () => {
  const table = `# table: synapse-traffic, type: string, size:20480, used:3
0x5651bf0507e0: key=web/rest use=0 exp=0 http_req_cnt=6 http_req_rate(10000)=6 http_fail_rate(10000)=0 ${counters([1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 5])}
0x5651bf0507e1: key=web use=0 exp=0 http_req_cnt=6 http_req_rate(10000)=6 http_fail_rate(10000)=0 ${counters(Array(16).fill(0))}
0x5651bf0507e2: key=api:1.b/canary use=1 exp=0 http_req_cnt=1 http_req_rate(10000)=1 http_fail_rate(10000)=0 ${counters(Array(16).fill(0))}

`;
  const counted = parseTrafficTable(table);
  expect([...counted.keys()]).toEqual(['web', 'api:1.b']);
  expect(counted.get('web')).toEqual([
    {
      name: 'rest',
      requests: 6,
      buckets: [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3],
      errors: { '4xx': 4, '5xx': 5 },
    },
  ]);
  expect(counted.get('api:1.b')?.[0]?.name).toBe('canary');
});

test.each(['No such table', '', "Unknown command: 'show table synapse-traffic'"])(
  'what is no table has nothing: %s',
  (answer) => {
    expect(parseTrafficTable(answer).size).toBe(0);
  },
);

test('a long table is read in time that grows with it', () => {
  const line = (at: number) =>
    `0x1: key=web-${at}/rest use=0 exp=0 http_req_cnt=1 ${counters(Array(16).fill(7))}\n`;
  const took = (lines: number) => {
    const text = Array.from({ length: lines }, (_, at) => line(at)).join('');
    const start = performance.now();
    expect(parseTrafficTable(text).size).toBe(lines);
    return performance.now() - start;
  };
  took(1_000);
  expect(took(20_000)).toBeLessThan(Math.max(100, took(2_000)) * 40);
});

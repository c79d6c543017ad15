import { createMetrics } from '@smartstack/daemon';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { createDecoder } from './decoder.ts';

test('a bad record is counted and logged once while it stands, and again when it comes back', async () => {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const metrics = createMetrics();
  const decode = createDecoder('/services/web', { log, metrics });
  const good = { id: 'a_1', data: Buffer.from('{"host":"a","port":1}') };
  const bad = { id: 'b_2', data: Buffer.from('{') };

  expect(decode([good, bad])).toEqual([{ host: 'a', port: 1, id: 'a_1' }]);
  expect(decode([good, bad])).toHaveLength(1);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    path: '/services/web',
    record: 'b_2',
    reason: 'not JSON',
    fix: 'find out who announced it: the others are served',
    msg: 'bad registry record left out',
  });

  decode([good]);
  decode([good, bad]);
  expect(lines).toHaveLength(2);
  expect((await metrics.text()).body).toContain(
    'smartstack_registry_bad_records_total{path="/services/web"} 2',
  );
});

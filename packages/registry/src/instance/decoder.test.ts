import { createMetrics } from '@smartstack/daemon';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { badRecordsOf, createDecoder } from './decoder.ts';
import { serversetDecoder } from './serverset.ts';

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

test('an odd field of a record is counted and logged once, and its member stays', async () => {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const metrics = createMetrics();
  const decode = createDecoder('/services/web', { log, metrics });
  const data = Buffer.from('{"host":"a","port":1,"weight":"2","labels":[]}');
  for (const _ of [1, 2]) expect(decode([{ id: 'a_1', data }])).toHaveLength(1);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, path: '/services/web', record: 'a_1', field: 'weight read as 2' },
    { level: 40, path: '/services/web', record: 'a_1', field: 'labels ignored' },
  ]);
  expect((await metrics.text()).body).toContain(
    'smartstack_registry_odd_fields_total{path="/services/web"} 2',
  );
});

test('what healthy registries have beside members is neither counted nor logged', async () => {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const metrics = createMetrics();
  const decode = createDecoder('/job', { log, metrics }, serversetDecoder());
  const starting = '{"serviceEndpoint":{"host":"a","port":1},"status":"STARTING"}';
  const list = decode([{ id: 'member_1', data: Buffer.from(starting) }]);
  expect(badRecordsOf(list)).toEqual([
    { id: 'member_1', reason: 'not alive: STARTING', isUsual: true },
  ]);
  expect(lines).toEqual([]);
  expect((await metrics.text()).body).not.toContain('bad_records_total{');
});

test('a record that stands is not read again, wherever it is in the list', () => {
  const deps = { log: pino({ level: 'silent' }), metrics: createMetrics() };
  const read: string[] = [];
  const decode = createDecoder('/services/web', deps, (id) => {
    read.push(id);
    return { host: id, port: 1, id };
  });
  const record = (id: string) => ({ id, data: Buffer.from(id) });
  const [a, b, c, d, e] = [record('a'), record('b'), record('c'), record('d'), record('e')];
  const lists = [[a, c, e], [a, b, c, e], [a, b, e], [b], [a, b, c, d, e], [e, d, c, b, a], []];
  for (const list of lists)
    expect(decode(list).map(({ id }) => id)).toEqual(list.map(({ id }) => id));
  expect(read).toEqual(['a', 'c', 'e', 'b', 'd']);
  expect(decode([{ id: 'a', data: Buffer.from('other') }])).toHaveLength(1);
  expect(read).toHaveLength(6);
});

import { expect, test } from 'vitest';

import type { PageMessage, PageService, PageView } from './model.ts';
import { createReader, writeView } from './news.ts';

const about = {
  daemon: 'synapse',
  instance: 'vm',
  version: '1',
  row: 'member',
  plots: [],
  started: 1,
};
const service = (name: string, state = 'up'): PageService => ({
  name,
  state,
  tone: 'good',
  place: '',
  facts: [],
  rows: [],
  hidden: 0,
});
const view = (...services: PageService[]): PageView => ({ facts: [], notices: [], services });
const event = (id: number) => ({ id, at: id, kind: 'joined', tone: 'good', text: 'x' }) as const;

async function told(reader: ReturnType<typeof createReader>, now: PageView, more: object = {}) {
  const present = { about, events: [], samples: [], ...more };
  const text = reader.news(present, await writeView(now), 5);
  return text === undefined ? undefined : (JSON.parse(text) as PageMessage);
}

test('a new reader is told everything', async () => {
  const events = [event(1), event(2)];
  expect(await told(createReader(), view(service('web')), { events })).toEqual({
    now: 5,
    about,
    facts: [],
    notices: [],
    order: ['web'],
    services: [service('web')],
    events,
  });
});

test('then only what changed, and nothing when nothing did', async () => {
  const reader = createReader();
  await told(reader, view(service('web'), service('api')), { events: [event(1)] });
  expect(await told(reader, view(service('web'), service('api')), { events: [event(1)] })).toBe(
    undefined,
  );
  expect(
    await told(reader, view(service('web', 'down'), service('api')), {
      events: [event(1), event(2)],
    }),
  ).toEqual({ now: 5, services: [service('web', 'down')], events: [event(2)] });
  expect(await told(reader, view(service('api')))).toEqual({ now: 5, order: ['api'] });
  const samples = [{ at: 3, values: { api: [1] } }];
  expect(await told(reader, view(service('api')), { samples })).toEqual({ now: 5, samples });
  expect(await told(reader, view(service('api')), { samples })).toBe(undefined);
});

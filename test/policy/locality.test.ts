import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from '../support/until.ts';
import { type Scene, startScene } from './scene.fixture.ts';
import { subjects } from './subject.fixture.ts';
import { ask, startMember, status, tally } from './world.fixture.ts';

const more = { locality: { from: 'labels.zone', prefer: 'a', spill: 'down' } };
const asked = {
  spilled: {
    policy: {
      retries: { attempts: 0 },
      outlier_ejection: { errors: 2, eject_for: '30s', max_share: '60%' },
      routes: [{ match: { path: '/v2' }, to: { subset: { version: 'v2' } } }],
    },
    more,
  },
};

describe.each(subjects)('levels of locality on $title', (subject) => {
  let scene: Scene<'spilled'>;
  beforeAll(async () => {
    const members = await Promise.all([
      startMember('a1', { zone: 'a', version: 'v1' }),
      startMember('a2', { zone: 'a', version: 'v2' }),
      startMember('b1', { zone: 'b', version: 'v1' }),
      startMember('b2', { zone: 'b', version: 'v2' }),
    ]);
    scene = await startScene({ spilled: { ...asked.spilled, members } }, subject);
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  test('a further one serves before members that are ejected do, in a route too', async () => {
    const { port, members } = scene.cases.spilled;
    const bodies = async (path: string) =>
      Object.keys(await tally(8, () => ask(port, path))).sort();
    expect(await bodies('/')).toEqual(['a1', 'a2']);
    expect(await bodies('/v2')).toEqual(['a2']);
    for (const member of members.slice(0, 2)) member.behave(status(500));
    for (const path of ['/', '/v2'])
      await until(async () => (await tally(8, () => ask(port, path), 'status'))[200] === 8);
    expect(await bodies('/')).toEqual(['b1', 'b2']);
    expect(await bodies('/v2')).toEqual(['b2']);
    // Where everybody fails, everybody near is asked.
    for (const member of members.slice(2)) member.behave(status(500));
    await tally(20, () => ask(port), 'status');
    for (const member of members.slice(0, 2))
      member.behave((_, response) => void response.end('near'));
    await until(async () => (await tally(8, () => ask(port))).near === 8);
  });
});

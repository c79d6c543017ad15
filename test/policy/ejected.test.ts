import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from '../support/until.ts';
import { valueIn } from './metrics.fixture.ts';
import { type Scene, startScene } from './scene.fixture.ts';
import { differs, subjects } from './subject.fixture.ts';
import { ask, status, tally } from './world.fixture.ts';

const ejecting = {
  policy: { outlier_ejection: { errors: 3, eject_for: '8s' }, retries: { attempts: 0 } },
};

describe.each(subjects)('on $title', (subject) => {
  let scene: Scene<'ejecting'>;
  beforeAll(async () => {
    scene = await startScene({ ejecting }, subject);
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const scrape = async () => (await ask(scene.world.status, '/metrics')).body;

  test('a member that is ejected is shown, with since when, why, and when it is back', async () => {
    const { port, members } = scene.cases.ejecting;
    const [a] = members;
    a?.behave(status(500));
    const start = Date.now();
    await tally(10, () => ask(port), 'status');
    const text = await scrape();
    expect(valueIn(text, 'smartstack_ejected_members{service="ejecting"}')).toBe(1);
    expect(valueIn(text, 'smartstack_ejections_total{service="ejecting"}')).toBe(1);

    interface Shown {
      readonly address: string;
      readonly state: string;
      readonly ejected?: { readonly since: string; readonly why: string; readonly back: string };
    }
    const { proxies } = JSON.parse((await ask(scene.world.status, '/status')).body) as {
      proxies: Readonly<Record<string, { services: { ejecting: { servers: readonly Shown[] } } }>>;
    };
    const { servers } = proxies[subject.proxy]?.services.ejecting ?? { servers: [] };
    const shown = servers.find(({ state }) => state === 'ejected');
    const { since = '', why = '', back = '' } = shown?.ejected ?? {};
    expect(shown?.address).toBe(`127.0.0.1:${a?.port}`);
    const said = differs(subject, 'why a member is ejected', {
      haproxy: 'Detected 3 consecutive errors, last one was: ',
      envoy: 'too many errors in a row',
    });
    expect(why).toMatch(new RegExp(`^${said}`));
    expect(Math.abs(Date.parse(since) - start)).toBeLessThan(3000);
    expect(Date.parse(back) - Date.parse(since)).toBe(8000);

    const explained = JSON.parse((await ask(scene.world.status, '/v1/explain/ejecting')).body) as {
      members: readonly { readonly address: string; readonly why: string }[];
    };
    const { why: explanation } =
      explained.members.find(({ address }) => address === shown?.address) ?? {};
    expect(explanation).toMatch(new RegExp(`ejected .*since \\S+ until \\S+: ${said}`));

    interface PageState {
      readonly services: readonly {
        readonly name: string;
        readonly rows: readonly Readonly<Record<string, unknown>>[];
      }[];
    }
    const row = await until(async () => {
      const page = JSON.parse((await ask(scene.world.status, '/page/state')).body) as PageState;
      const { rows = [] } = page.services.find(({ name }) => name === 'ejecting') ?? {};
      return rows.find(({ state }) => state === 'ejected');
    });
    expect(row).toMatchObject({ tone: 'bad', title: shown?.address });
    expect(Number(row.until) - Number(row.since)).toBe(8000);

    a?.behave((_, response) => void response.end('a'));
    await until(async () => {
      const now = await scrape();
      return valueIn(now, 'smartstack_ejected_members{service="ejecting"}') === 0;
    });
    expect(await tally(4, () => ask(port))).toEqual({ a: 2, b: 2 });
  });
});

import type { RequestListener } from 'node:http';

import { expect, test, vi } from 'vitest';
import { json, startServer } from '../../packages/registry/src/http/server.fixture.ts';
import type { Explanation } from '../../packages/synapse/src/operator/explain.ts';
import { explanationText } from '../../packages/synapse/src/operator/shown.ts';
import { hostile, interval, neighbourGoesOn, soon, useSources } from './source.ts';
import { startScene } from './synapse.ts';

vi.setConfig({ testTimeout: 60_000 });

const sources = useSources();

test.each(['marathon', 'docker', 'ec2tag'])(
  'a %s discovery whose source never answers holds up neither its neighbour nor the end',
  async (method) => {
    const source = sources.of(method);
    sources.web.answer = () => {};
    const scene = await startScene({ discovery: source.discovery });
    await vi.waitFor(() => expect(source.asked()).toBeGreaterThan(0), soon);
    await neighbourGoesOn(scene);
    await scene.stop();
  },
);

test('a watcher of a multi that fails is named in explain and status, and the others go on', async () => {
  sources.web.answer = json({ tasks: 'none' });
  const other = await startServer(json([{ Image: 'web', Ports: [] }]));
  const blue = sources.of('marathon');
  const scene = await startScene({
    discovery: {
      method: 'multi',
      watchers: {
        blue: blue.discovery,
        green: {
          method: 'docker',
          servers: [{ host: '127.0.0.1', port: other.port }],
          image_name: 'web',
          container_port: 80,
          ...interval,
        },
        grey: { method: 'base' },
      },
      resolver: { method: 'sequential', sequential_order: ['green', 'blue', 'grey'] },
    } as { readonly method: string },
  });
  const port = 8080;
  other.answer = json([{ Image: 'web', Ports: [{ PrivatePort: 80, PublicPort: port }] }]);
  await vi.waitFor(() => expect(scene.hosts('broken')).toEqual(['127.0.0.1']), soon);
  await vi.waitFor(
    () => expect(scene.explained()?.troubles.map(({ part }) => part)).toEqual(['watcher blue']),
    soon,
  );
  expect(scene.status().services.broken.trouble).toMatch(/^watcher blue: .*not what Marathon/);
  other.answer = hostile['answers 500'] as RequestListener;
  await vi.waitFor(() => expect(scene.explained()?.troubles).toHaveLength(2), soon);
  expect(explanationText(scene.explained() as Explanation)).toMatch(
    /\n {2}watcher green, engine 127\.0\.0\.1 fails, and is tried again: .* answered 500\n/,
  );
  blue.good('10.0.0.7');
  other.answer = json([]);
  await vi.waitFor(() => expect(scene.explained()?.troubles).toEqual([]), soon);
  await other[Symbol.asyncDispose]();
});

test.each([
  ['marathon', { marathon_api_url: 'nonsense' }, 'Invalid URL'],
  ['docker', { servers: undefined }, 'undefined'],
  ['dns', { servers: undefined }, 'undefined'],
  ['dns', { servers: [null] }, 'null'],
  ['ec2tag', { tag_name: Symbol('x') }, 'Symbol'],
])(
  'a %s discovery that throws when it is made (%o) is shown, said once, and stops no other',
  async (method, unjudged, reason) => {
    const source = sources.of(method);
    const scene = await startScene({ discovery: source.discovery, unjudged });
    await vi.waitFor(() => expect(scene.status().services.broken.trouble).toContain(reason), soon);
    await neighbourGoesOn(scene);
    // Long enough for the second try.
    await vi.waitFor(
      async () => expect(scene.reconciler.failure('broken')).toContain(reason),
      soon,
    );
    expect(scene.lines.filter(({ service }) => service === 'broken')).toHaveLength(1);
  },
);

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { JsonObject } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { envoySchema } from '../config/config.ts';
import { resourcesOptions } from '../config/rendering.ts';
import { jsonOf } from '../resources/json.ts';
import { createResources, type Made } from '../resources/resources.ts';
import { snapshotOf, type Written } from '../resources/service.fixture.ts';
import { directives } from './directives.ts';
import { preview } from './preview.ts';

type Services = Readonly<Record<string, Written>>;

const member = (port: number) => ({ host: '127.0.0.1', port });
const web: Written = { members: [member(8001), member(8002)], port: 3213 };
const signal = new AbortController().signal;

/** As the configuration makes them: each with a whole section. */
const snapshot = (services: Services) =>
  new Map(
    [...snapshotOf(services)].map(([name, service]) => [
      name,
      { ...service, own: { envoy: { disabled: false, ...(service.own?.envoy as object) } } },
    ]),
  );

/** What Envoy answers for its dump when it has these resources. */
function dumpOf({ resources }: Made, health = 'HEALTHY'): object {
  const json = (type: keyof Made['resources']) =>
    [...resources[type].values()].map((one) => ({ '@type': 'x', ...(jsonOf(one) as JsonObject) }));
  const asEnvoy = (text: string) =>
    text.replaceAll(
      '"endpoint":{',
      `"health_status":"${health}","endpoint":{"health_check_config":{},`,
    );
  const listeners = json('listener').map((listener) => ({ active_state: { listener } }));
  return {
    configs: [
      { bootstrap: {} },
      {
        dynamic_active_clusters: json('cluster')
          .toReversed()
          .map((cluster) => ({ cluster })),
      },
      {
        dynamic_endpoint_configs: json('endpoints').map((one) => ({
          endpoint_config: JSON.parse(asEnvoy(JSON.stringify(one))),
        })),
      },
      { dynamic_listeners: [...listeners, { warming_state: {} }] },
      { dynamic_route_configs: json('route').map((route) => ({ route_config: route })) },
    ],
  };
}

let directory: string;
let admin: Server;
let answer: object;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'envoy-preview-'));
  admin = createServer((_, response) => response.end(JSON.stringify(answer)));
  await new Promise<void>((resolve) => {
    admin.listen(join(directory, 'envoy-admin.sock'), resolve);
  });
});
afterEach(async () => {
  await new Promise((resolve) => admin.close(resolve));
  await rm(directory, { recursive: true });
});

async function previewOf(services: Services, more: object = {}) {
  const config = envoySchema.parse({ run_directory: directory, ...more });
  const made = await preview(config, snapshot(services), signal);
  if (!made) throw new Error('no preview');
  return made;
}

const served = (services: Services) =>
  createResources(resourcesOptions(undefined, () => undefined))(snapshot(services));

describe('a preview', () => {
  test('has no difference where Envoy has what would be served', async () => {
    answer = dumpOf(served({ web, db: { members: [member(1)], protocol: 'tcp' } }));
    const { text, before, ...rest } = await previewOf({
      db: { members: [member(1)], protocol: 'tcp' },
      web,
    });
    expect(text).toBe(before);
    expect(rest).toEqual({ path: 'envoy', commands: [], reload: undefined, objections: [] });
  });

  test('shows a member that came, and none that is on its way out', async () => {
    answer = dumpOf(served({ web: { ...web, members: [member(8001)] } }));
    const { text, before = '' } = await previewOf({ web });
    const isNew = (line: string) => text.includes(line) && !before.includes(line);
    expect(['"127.0.0.1:8001"', '"127.0.0.1:8002"', '"web"'].filter(isNew)).toEqual([
      '"127.0.0.1:8002"',
    ]);
    answer = dumpOf(served({ web }), 'DRAINING');
    const empty = { ...web, members: [] };
    const gone = await previewOf({ web: empty });
    expect(gone.before).toBe(gone.text);
  });

  test('keeps the members of a service whose registry has not answered', async () => {
    answer = dumpOf(served({ web }));
    const { text, before } = await previewOf({ web: { ...web, members: undefined } });
    expect(text).toBe(before);
  });

  test('has members by the addresses of their names', async () => {
    answer = {};
    const { text } = await previewOf({
      web: { ...web, members: [{ host: 'localhost', port: 1 }] },
    });
    expect(text).toMatch(/"address": "(127\.0\.0\.1|::1)",\s+"port_value": 1\b/);
  });

  test('says that a managed Envoy does not run, and what would be left out', async () => {
    const both = { web, web2: web };
    const { before, reload, objections } = await previewOf(both, { admin: '/none' });
    expect(before).toBeUndefined();
    expect(reload).toBe('envoy does not run');
    expect(objections).toEqual([
      { owner: 'web2', reason: expect.stringContaining('web listens at 127.0.0.1:3213') },
    ]);
    expect((await previewOf({ web }, { managed: false })).reload).toBeUndefined();
  });

  test('is none where no Envoy is asked for', async () => {
    expect(await preview(undefined, new Map(), signal)).toBeUndefined();
    const off = envoySchema.parse({ managed: false, xds: { socket: false } });
    expect(await preview(off, snapshot({ web }), signal)).toBeUndefined();
  });
});

describe('what Envoy makes of a policy', () => {
  const titles = (services: Services, section?: unknown) =>
    directives(
      'web',
      section === undefined ? undefined : envoySchema.parse(section),
      snapshot(services),
    ).map(({ title, lines }) => [title, lines.length === 1 ? lines[0] : 'lines']);

  test('is its listener, its routes and its clusters, of which equal ones stand once', () => {
    const to = [{ subset: { v: '1' } }, { subset: { v: '2' }, weight: 2 }];
    expect(
      titles({ web: { ...web, policy: { routes: [{ to }] } }, other: { members: [] } }),
    ).toEqual([
      ['listener listener/web', 'lines'],
      ['route configuration web', 'lines'],
      ['cluster web', 'lines'],
      ['cluster web|v=1', 'as cluster web'],
      ['cluster web|v=2', 'as cluster web'],
    ]);
  });

  test('of a service without a port is its cluster', () => {
    expect(titles({ web: { members: [] } })).toEqual([['cluster web', 'lines']]);
  });

  test('is nothing where Envoy is off, or the service is not its', () => {
    expect(titles({ web }, { managed: false, xds: { socket: false } })).toEqual([]);
    expect(titles({})).toEqual([]);
    const others = [...snapshotOf({ web })].map(
      ([name, one]) => [name, { ...one, own: {} }] as const,
    );
    expect(directives('web', undefined, new Map(others))).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';

import { explain } from './explain.ts';
import { loadText, problemsOf } from './policy.fixture.ts';
import { policyOf } from './policy.ts';

const base = 'discovery: {method: base}';
const services = (...lines: readonly string[]) =>
  `services:\n${lines.map((line) => `  ${line.replace('{', `{${base}, `)}\n`).join('')}`;

/** Which proxies have a section of the service `web`. */
async function serving(text: string): Promise<readonly string[]> {
  const { config } = await loadText(text);
  return ['haproxy', 'envoy'].filter(
    (name) => (config.services.web as Readonly<Record<string, unknown>>)[name] !== undefined,
  );
}

describe('a service is served by one proxy', () => {
  test.each([
    ['the default', services('web: {port: 1}'), ['haproxy']],
    ['the one it names', services('web: {port: 1, proxy: envoy}'), ['envoy']],
    ['the top level’s', `proxy: envoy\n${services('web: {port: 1}')}`, ['envoy']],
    [
      'the one it names, not the top level’s',
      `proxy: envoy\n${services('web: {port: 1, proxy: haproxy}')}`,
      ['haproxy'],
    ],
    ['the one it has a section of', services('web: {port: 1, envoy: {}}'), ['envoy']],
    [
      'the one it has a section of, whatever the top level says',
      `proxy: envoy\n${services('web: {haproxy: {port: 1}}')}`,
      ['haproxy'],
    ],
    [
      'the one it names of two sections',
      services('web: {port: 1, proxy: envoy, envoy: {}, haproxy: {port: 1}}'),
      ['envoy'],
    ],
    [
      'the top level’s of two sections',
      `proxy: envoy\n${services('web: {port: 1, envoy: {}, haproxy: {}}')}`,
      ['envoy'],
    ],
    ['none where nothing asks for it', `proxy: envoy\n${services('web: {}')}`, []],
  ])('%s', async (_, text, expected) => {
    expect(await serving(text)).toEqual(expected);
  });

  test('and the section of another is not used, which is said', async () => {
    const { warnings } = await loadText(
      services(
        'web: {port: 1, protocol: http, proxy: envoy, haproxy: {listen: [mode http, option httplog]}}',
      ),
    );
    expect(warnings).toEqual([
      'synapse.yaml:2:75: services.web.haproxy: is not used: envoy serves web',
    ]);
  });

  test.each([
    [
      'a port',
      services('web: {proxy: envoy, haproxy: {port: 3213}}'),
      [
        'synapse.yaml:2:60: services.web.haproxy.port: counts only where haproxy serves web, and envoy does; write `port: 3213` beside `proxy`, for every proxy',
      ],
    ],
    [
      'a protocol',
      services('web: {proxy: envoy, port: 1, haproxy: {listen: mode http}}'),
      [
        'synapse.yaml:2:59: services.web.haproxy: its mode http counts only where haproxy serves web, and envoy does; write `protocol: http` beside `proxy`, for every proxy',
      ],
    ],
    [
      'another port than the section that is not used',
      services('web: {proxy: envoy, port: 1, haproxy: {port: 2}}'),
      [
        'synapse.yaml:2:50: services.web.port: is 1 here and 2 at services.web.haproxy.port; keep one of them',
      ],
    ],
  ])('%s may not be lost with it', async (_, text, problems) => {
    expect(await problemsOf(text)).toEqual(problems);
  });
});

describe('one address is for one service, whichever proxies serve them', () => {
  test.each([
    [
      'of two proxies',
      services('web: {port: 80}', 'api: {port: 80, proxy: envoy}'),
      [
        'synapse.yaml:3:36: services.api.port: 80 on 127.0.0.1 is taken by services.web, in haproxy',
      ],
    ],
    [
      'of Envoy',
      services('web: {port: 80, proxy: envoy}', 'api: {port: 80, envoy: {}, bind_address: "::"}'),
      ['synapse.yaml:3:36: services.api.port: 80 on :: is taken by services.web'],
    ],
  ])('%s', async (_, text, problems) => {
    expect(await problemsOf(text)).toEqual(problems);
  });

  test('but another address is another place, and a disabled service has none', async () => {
    await loadText(
      services(
        'web: {port: 80}',
        'api: {port: 80, proxy: envoy, bind_address: 127.0.0.2}',
        'old: {port: 80, envoy: {disabled: true}}',
      ),
    );
  });
});

test('what a proxy cannot do is asked of the proxy that serves', async () => {
  const text = (proxy: string) =>
    services(`web: {port: 1, protocol: http, proxy: ${proxy}, policy: {hedge: {after: 1s}}}`);
  await loadText(text('envoy'));
  expect(await problemsOf(text('haproxy'))).toEqual([
    expect.stringContaining('services.web.policy.hedge: haproxy cannot do this'),
  ]);
});

test('what is built in asks nothing of a proxy that it cannot do', async () => {
  const text = (policy: string) =>
    services(`web: {port: 1, protocol: http, proxy: envoy, policy: ${policy}}`);
  await loadText(text('{}'));
  expect(await problemsOf(text('{timeouts: {queue: 1s}}'))).toEqual([
    expect.stringContaining('services.web.policy.timeouts.queue: envoy cannot do this'),
  ]);
});

test('what is built in and a proxy cannot do is no error, and what is written is', async () => {
  const text = (policy: string) =>
    services(`web: {port: 1, protocol: http, proxy: envoy, policy: ${policy}}`);
  const { config } = await loadText(text('{timeouts: {request: 1s}}'));
  const { web } = config.services;
  if (!web) throw new Error('no web');
  expect(policyOf(web, config)?.policy.timeouts).toHaveProperty('queue');
  expect(await problemsOf(text('{timeouts: {queue: 1s}}'))).toEqual([
    expect.stringContaining('services.web.policy.timeouts.queue: envoy cannot do this'),
  ]);
});

test('routes lead to services of the same proxy', async () => {
  const text = services(
    'web: {port: 1, protocol: http, proxy: envoy, policy: {routes: [{to: [{service: api}]}]}}',
    'api: {port: 2, protocol: http}',
  );
  expect(await problemsOf(text)).toEqual([
    expect.stringContaining(
      'services.api is not served by envoy, as services.web is; give it `proxy: envoy`',
    ),
  ]);
  await loadText(`proxy: envoy\n${text}`);
});

describe('check-config --explain', () => {
  const explained = async (text: string) => {
    const { config, source } = await loadText(text);
    return explain(config, source.value);
  };

  test('says what each proxy does that is in use, and no other', async () => {
    const both = await explained(services('web: {port: 1}', 'api: {port: 2, proxy: envoy}'));
    expect(both).toMatch(/synapse runs an HAProxy of its own.* synapse runs an Envoy of its own/);
    expect(both).toContain('  is reached by apps at 127.0.0.1:2 through Envoy');
    expect(await explained(services('web: {port: 1}'))).not.toContain('Envoy');
    expect(await explained(services('web: {port: 1, proxy: envoy}'))).not.toContain('HAProxy');
    expect(await explained(services('web: {}'))).toMatch(/No HAProxy is run(?!.*Envoy)/);
  });
});

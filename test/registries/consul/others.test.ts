import { defaultMapping, sourceOf } from '@smartstack/registry';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type ConsulAgent, startConsul } from '../../support/consul.ts';
import { createScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { openView, type View } from './views.ts';

let scratch: Scratch;
let agent: ConsulAgent;
let view: View;
beforeAll(async () => {
  scratch = await createScratch();
  agent = await startConsul({ directory: scratch.path('one'), name: 'one' });
  view = openView({ url: agent.url });
});
afterAll(async () => {
  await view[Symbol.asyncDispose]();
  await agent[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

/** Registers as users do it: with the agent, with a check that they report themselves. */
const register = (name: string, port: number, more: object = {}) =>
  agent.api('PUT', '/v1/agent/service/register', {
    ID: `${name}-${port}`,
    Name: name,
    Address: '10.0.0.1',
    Port: port,
    Check: { CheckID: `check-${name}-${port}`, Name: 'web alive', TTL: '10m', Status: 'passing' },
    ...more,
  });
const report = (name: string, port: number, status: string, output = '') =>
  agent.api('PUT', `/v1/agent/check/update/check-${name}-${port}`, {
    Status: status,
    Output: output,
  });

test('tags, meta and weights become labels and weights, and the source says where it stands', async () => {
  await register('labelled', 80, {
    Tags: ['primary', 'version=v2', 'zone=from-tag'],
    Meta: { zone: 'a', 'smartstack-nerve-like': 'x' },
    Weights: { Passing: 7, Warning: 2 },
  });
  const seen = view.follow('labelled');
  await until(() => seen.newest()?.length === 1);
  const [member] = seen.newest() ?? [];
  expect(member).toEqual({
    id: 'one/labelled-80',
    name: 'one',
    host: '10.0.0.1',
    port: 80,
    weight: 7,
    labels: {
      datacenter: 'dc1',
      tag_primary: 'true',
      version: 'v2',
      zone: 'a',
      'smartstack-nerve-like': 'x',
    },
  });
  expect(member && sourceOf(member)).toMatch(
    /^service labelled-80 \(labelled\) on node one of dc1, ModifyIndex \d+$/,
  );
});

test('labels come from where they are wanted, under names of one’s own', async () => {
  await register('mapped', 80, { Tags: ['primary'], Meta: { az: 'b' } });
  const mapping = {
    ...defaultMapping,
    labelsFrom: ['tags', 'meta'] as const,
    tagPrefix: 'is_',
    labelNames: { az: 'zone' },
  };
  const seen = view.follow('mapped', { mapping });
  await until(() => seen.newest()?.length === 1);
  expect(seen.newest()?.[0]?.labels).toEqual({ is_primary: 'true', zone: 'b' });
});

test('an instance without an address has its node’s, and one without a port is left out', async () => {
  await register('bare', 80, { Address: '' });
  await register('bare', 0);
  const seen = view.follow('bare');
  await until(() => seen.newest()?.length === 1);
  expect(seen.newest()?.[0]).toMatchObject({ host: '127.0.0.1', port: 80 });
  expect(seen.leftOut()).toEqual(['no port']);
  const with8080 = view.follow('bare', { mapping: { ...defaultMapping, port: 8080 } });
  await until(() => with8080.ports() === '8080 80');
});

test('what warns, is critical or in maintenance is left out with Consul’s own words', async () => {
  for (const port of [1, 2, 3, 4])
    await register('states', port, { Weights: { Passing: 10, Warning: 3 } });
  const passing = view.follow('states');
  const warning = view.follow('states', { mapping: { ...defaultMapping, health: 'warning' } });
  const any = view.follow('states', { mapping: { ...defaultMapping, health: 'any' } });
  await until(() => [passing, warning, any].every((seen) => seen.ports() === '1 2 3 4'));
  await report('states', 2, 'warning', 'slow: 900 ms\nmore');
  await report('states', 3, 'critical', `connection refused ${'x'.repeat(500)}`);
  await agent.api('PUT', '/v1/agent/service/maintenance/states-4?enable=true&reason=new+disk');
  await until(
    () => passing.ports() === '1' && warning.ports() === '1 2' && any.ports() === '1 2 3',
  );
  expect(passing.leftOut()).toEqual([
    'warning: check "web alive": slow: 900 ms',
    expect.stringMatching(/^critical: check "web alive": connection refused x{100,}…$/),
    'maintenance: new disk',
  ]);
  expect(warning.newest()?.map(({ weight }) => weight)).toEqual([10, 3]);
  await report('states', 3, 'passing');
  await until(() => passing.ports() === '1 3');
});

test('a node in maintenance takes its services with it', async () => {
  await register('node-down', 80);
  const seen = view.follow('node-down');
  await until(() => seen.ports() === '80');
  await agent.cli('maint', '-enable', '-reason', 'kernel');
  await until(() => seen.ports() === '');
  expect(seen.leftOut()).toEqual(['maintenance: kernel']);
  await agent.cli('maint', '-disable');
  await until(() => seen.ports() === '80');
});

test('tags and Consul’s filters choose instances', async () => {
  await register('chosen', 1, { Tags: ['a'], Meta: { version: '1' } });
  await register('chosen', 2, { Tags: ['a', 'b'], Meta: { version: '1' } });
  await register('chosen', 3, { Tags: ['a', 'b'], Meta: { version: '2' } });
  const both = view.follow('chosen', { tags: ['a', 'b'] });
  const newer = view.follow('chosen', { filter: 'Service.Meta.version == "2"' });
  const stale = view.follow('chosen', { consistency: 'stale', near: '_agent' });
  const wrong = view.follow('chosen', { filter: 'Nonsense ==' });
  await until(() => both.ports() === '2 3' && newer.ports() === '3');
  await until(() => stale.newest()?.length === 3);
  await until(() => wrong.troubles.length > 0);
  expect(wrong.troubles[0]).toMatch(
    /\/v1\/health\/service\/chosen: answered (400|500): .*expression/,
  );
  expect(wrong.newest()).toBeUndefined();
});

test('a prepared query is asked for', async () => {
  await register('asked', 1);
  await register('asked', 2, { Tags: ['primary'] });
  await agent.api('POST', '/v1/query', {
    Name: 'primary-asked',
    Service: { Service: 'asked', Tags: ['primary'], OnlyPassing: true },
  });
  const ask = view.registry.prepared({ query: 'primary-asked' }, defaultMapping);
  const signal = new AbortController().signal;
  expect(await until(async () => (await ask(signal)).map(({ port }) => port))).toEqual([2]);
  const none = view.registry.prepared({ query: 'no-such' }, defaultMapping);
  await expect(none(signal)).rejects.toThrow('answered 404: Query not found');
});

test('hundreds of services are followed behind two blocking queries', async () => {
  const many = openView({ url: agent.url, blocking_queries: 5 });
  const names = Array.from({ length: 60 }, (_, index) => `many-${index}`);
  for (const name of names) await register(name, 80);
  const all = names.map((name) => many.follow(name));
  await until(() => all.every((seen) => seen.ports() === '80'));
  for (const [index, name] of names.entries())
    if (index % 7 === 0) await report(name, 80, 'critical');
  await register('many-59', 81);
  await until(() =>
    all.every((seen, index) => index === 59 || seen.ports() === (index % 7 === 0 ? '' : '80')),
  );
  await until(() => all[59]?.ports() === '80 81');
  // Those without a change were not given another list.
  expect(all[1]?.lists).toHaveLength(1);
  await many[Symbol.asyncDispose]();
});

import { readFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { haproxySubject, type Subject, subjects } from '../policy/subject.fixture.ts';
import { ask, serviceOf, startMember, startWorld, status, tally } from '../policy/world.fixture.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

/** What the dashboard and the alerts ask for, as text. */
const asked = await Promise.all(
  ['grafana/smartstack.json', 'alerts.yaml'].map((file) =>
    readFile(new URL(`../../examples/observability/${file}`, import.meta.url), 'utf8'),
  ),
).then((texts) => texts.join('\n'));

const policy = {
  slo: { availability: '99.9%', latency: { p50: '50ms', p95: '100ms', p99: '300ms' } },
  retries: { attempts: 1, on: ['connect_failure', 503], budget: '100%' },
  routes: [{ name: 'v2', match: { path_prefix: '/v2' }, to: { subset: { version: 'v2' } } }],
};

/** The series of one service among all of a scrape, without its name and their values. */
function seriesOf(scraped: string, service: string): ReadonlySet<string> {
  const own = `service="${service}"`;
  const lines = scraped.split('\n').filter((line) => line.includes(own));
  return new Set(lines.map((line) => line.slice(0, line.lastIndexOf('} ')).replace(own, '')));
}

const nameOf = (series: string) => series.slice(0, series.indexOf('{'));
const isAsked = (name: string) => new RegExp(`\\b${name}\\b`).test(asked);

test('what the dashboard and the alerts ask of a service on HAProxy is there of one on Envoy', async () => {
  await using a = await startMember('a', { version: 'v1' });
  await using b = await startMember('b', { version: 'v2' });
  const ports = { old: await freePort(), moved: await freePort() };
  const [subject = haproxySubject] = subjects;
  const both: Subject = {
    ...subject,
    top: (scratch) => ({ ...subject.top(scratch), ...haproxySubject.top(scratch) }),
  };
  const services = {
    old: serviceOf(ports.old, [a, b], policy, { proxy: 'haproxy' }),
    moved: serviceOf(ports.moved, [a, b], policy, { proxy: 'envoy' }),
  };
  await using world = await startWorld(services, {}, both);
  for (const port of Object.values(ports)) {
    a.behave(status(500));
    await tally(12, () => ask(port));
    await tally(4, () => ask(port, '/v2'));
    a.behave((_, response) => void response.end('a'));
    await tally(4, () => ask(port));
  }
  const scrape = async () => (await ask(world.status, '/metrics')).body;
  const names = await until(async () => {
    const text = await scrape();
    const wanted = [...seriesOf(text, 'old')].filter((series) => isAsked(nameOf(series)));
    const had = seriesOf(text, 'moved');
    expect(wanted.filter((series) => !had.has(series))).toEqual([]);
    return [...new Set(wanted.map(nameOf))];
  });
  process.stdout.write(`${names.length} metrics: ${names.sort().join(', ')}\n`);
  expect(names.length).toBeGreaterThan(10);
  for (const proxy of ['haproxy', 'envoy'])
    expect(await scrape()).toMatch(new RegExp(`^synapse_applies_total\\{.*proxy="${proxy}"`, 'm'));
});

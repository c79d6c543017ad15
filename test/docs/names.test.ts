import { readdir, readFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import { documents } from '../support/markdown.ts';

const all = await documents();
const sources = (await readdir('packages', { recursive: true })).filter(
  (path) => /^\w+\/src\/.*\.ts$/.test(path) && !/\.(test|fixture)\.ts$/.test(path),
);
const code = await Promise.all(sources.map((path) => readFile(`packages/${path}`, 'utf8')));

/** The names under which the daemons measure. */
const metrics = new Set(
  code.flatMap((text) =>
    [...text.matchAll(/name: '((?:nerve|synapse|smartstack|zookeeper)_\w+)'/g)].map(
      ([, name = '']) => name,
    ),
  ),
);

test('docs/operations.md explains every metric, and no other', () => {
  const text = all.find(({ path }) => path === 'docs/operations.md')?.text ?? '';
  const explained = [...text.matchAll(/^\| `(\w+)` \| (?:`\w+`(?:, )?)* ?\|/gm)].map(
    ([, name]) => name,
  );
  expect(explained.toSorted()).toEqual([...metrics].sort());
});

describe('keys, metrics and fields of logs that a document names are there', async () => {
  const schemas = [
    'nerve/nerve',
    'nerve/nerve-service',
    'synapse/synapse',
    'synapse/synapse-service',
  ];
  const known = (
    await Promise.all(schemas.map((name) => readFile(`packages/${name}.schema.json`, 'utf8')))
  ).join('\n');
  /** Where an access log's fields and reasons are named. */
  const logged = code
    .filter((_, index) => /policy\/(access-log|reasons|actions)\.ts$/.test(sources[index] ?? ''))
    .join('\n');
  const isLogged = (name: string) => new RegExp(`\\b${name}\\b`).test(logged);
  /** Labels that are made of what a registry says; of a tag of Consul by a prefix. */
  const labels = code
    .filter((_, index) => /^registry\/.*\/(labels|mapping)\.ts$/.test(sources[index] ?? ''))
    .join('\n');
  const [, tagPrefix = ' '] = /tagPrefix: '(\w+)'/.exec(labels) ?? [];
  const isLabel = (name: string) => name.startsWith(tagPrefix) || labels.includes(`'${name}'`);
  const status = /services\.\*|config_problems|configured_at|registry_away/;

  test.for(all.map(({ path, spans }) => [path, spans] as const))('%s', ([path, spans]) => {
    // The originals' keys, some of which are gone, are that document's subject.
    if (path === 'docs/migrating.md') return;
    const names = spans
      .map((span) => span.replace(/[:{].*/, '').trim())
      .filter((span) => /^[a-z]+(?:_[a-z]+)+$/.test(span) && !status.test(span));
    for (const name of names)
      expect(
        metrics.has(name) ||
          known.includes(`"${name}"`) ||
          isMarked(name) ||
          isLogged(name) ||
          isLabel(name),
        name,
      ).toBe(true);
  });
});

/** `nodejs_` and `process_` are the library's own, `…_sd_configs` Prometheus'; `zookeeperd` and the like are no keys. */
const isMarked = (name: string) => /^(nodejs|process|instance)_|_sd_configs$/.test(name);

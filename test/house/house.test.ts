import { expect, test } from 'vitest';

import { readSources, type Source } from './sources.ts';

const sources = await readSources();

/** Who may import whom: each package those before it, on the same floor none. */
const floors = [
  ['daemon'],
  ['zookeeper'],
  ['registry', 'policy'],
  ['proxy'],
  ['haproxy', 'envoy'],
  ['nerve', 'synapse'],
];
const floorOf = (name: string) => floors.findIndex((floor) => floor.includes(name));

test('every package has a floor', () => {
  const names = new Set(sources.map((source) => source.package));
  expect([...names].sort()).toEqual(floors.flat().sort());
});

test('packages import those below them, by their names', () => {
  const wrong = sources.flatMap((source) =>
    source.imports
      .filter((target) => {
        if (!target.includes('/')) return floorOf(target) >= floorOf(source.package);
        return target.split('/', 1)[0] !== source.package;
      })
      .map((target) => `${source.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('no file imports itself in a circle', () => {
  expect(circlesIn(sources)).toEqual([]);
});

/** Where a proxy may be named: its own package, the table of proxies, and what speaks of the originals' keys. */
const mayNameProxies = [
  /^(haproxy|envoy)\//,
  /^synapse\/src\/proxies\.ts$/,
  /^synapse\/src\/config\/(originals|starter)\.ts$/,
];
/** Keys of records, which are the originals'. */
const recordKeys = /haproxyServer(Options|Id)|haproxy_server_(options|id)/g;

test('no file but a proxy’s own, the table of proxies and the originals’ keys names a proxy', () => {
  const naming = sources.flatMap(({ path, text }) => {
    if (mayNameProxies.some((pattern) => pattern.test(path))) return [];
    return text
      .replace(recordKeys, '')
      .split('\n')
      .flatMap((line, index) =>
        /haproxy|envoy/i.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
      );
  });
  expect(naming).toEqual([]);
});

test('no package keeps more than eight files loose in src/', () => {
  const loose = sources.filter(({ path }) => /^[^/]+\/src\/[^/]+$/.test(path));
  const crowded = floors
    .flat()
    .filter((name) => loose.filter((source) => source.package === name).length > 8);
  expect(crowded).toEqual([]);
});

/** Each circle once, from the file that comes first by name. */
function circlesIn(all: readonly Source[]): readonly string[] {
  const importsOf = new Map(all.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const circles = new Set<string>();
  const visit = (path: string, way: readonly string[]) => {
    const start = way.indexOf(path);
    if (start !== -1) circles.add([...way.slice(start), path].join(' → '));
    if (start !== -1 || done.has(path)) return;
    for (const next of importsOf.get(path) ?? []) visit(next, [...way, path]);
    done.add(path);
  };
  for (const { path } of all) visit(path, []);
  return [...circles];
}

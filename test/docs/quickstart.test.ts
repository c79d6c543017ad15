import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

import { commandOf } from '../support/daemon.ts';
import { documents } from '../support/markdown.ts';
import { createScratch } from '../support/scratch.ts';

const quickstart = (await documents()).find(({ path }) => path === 'docs/quickstart.md');
const [, section = ''] = quickstart?.text.split('## With another registry') ?? [];
/** Each registry, and what the table puts in the place of ZooKeeper's lines. */
const rows = [...section.matchAll(/^\| (.*) \| `(.*)` \| (.*) \| `(discovery:.*)` \|$/gm)].map(
  ([, registry = '', top = '', announced = '', discovery = '']) => ({
    registry: registry.replace(/\[(.*?)\]\(.*?\)/, '$1'),
    top,
    announced: announced.replaceAll('`', ''),
    discovery,
  }),
);

describe('the quickstart’s files are good with another registry', () => {
  test('it has a path for each', () => {
    expect(rows.map(({ registry }) => registry)).toEqual([
      'etcd',
      'Consul, with nerve',
      'Consul alone',
      'Kubernetes',
      'no server',
    ]);
  });

  const cases = rows.flatMap((row) =>
    (['nerve', 'synapse'] as const)
      .filter((daemon) => daemon === 'synapse' || row.announced !== 'no nerve')
      .map((daemon) => [row.registry, daemon, row] as const),
  );
  test.for(cases)('%s: %s', async ([, daemon, { top, announced, discovery }]) => {
    await using scratch = await createScratch();
    for (const [file, content] of written(daemon)) {
      const text = content
        .replace(/^zookeeper: .*$/m, top)
        .replace(/^zk_path: .*$/m, announced)
        .replace(/^discovery: .*$/m, discovery);
      expect(text).not.toBe(content);
      expect(text).not.toMatch(/zookeeper|zk_/);
      await mkdir(dirname(scratch.path(file)), { recursive: true });
      await writeFile(scratch.path(file), text);
    }
    const file = scratch.path(`/etc/${daemon}/${daemon}.yaml`);
    const { all } = await execa(commandOf(daemon), ['--check-config', '-c', file], {
      all: true,
      reject: false,
    });
    expect(all).toMatch(/: ok, 1 service$/);
  });
});

/** The files that the quickstart writes for a daemon, on its first machine. */
function written(daemon: string): readonly (readonly [string, string])[] {
  const [block] = quickstart?.blocks.filter(({ text }) => text.includes(`>/etc/${daemon}/`)) ?? [];
  const files = block?.text.matchAll(/^cat >(\S+) <<'END'\n([\s\S]*?)^END$/gm) ?? [];
  return [...files].map(([, file = '', content = '']) => [file, content] as const);
}

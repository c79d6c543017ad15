import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';

import { commandOf } from '../support/daemon.ts';
import { documents } from '../support/markdown.ts';
import { createScratch } from '../support/scratch.ts';

const all = await documents();
const daemons = ['nerve', 'synapse'] as const;
type DaemonName = (typeof daemons)[number];

const check = (daemon: DaemonName, file: string) =>
  execa(commandOf(daemon), ['--check-config', '-c', file], { all: true, reject: false });

describe('a YAML block is accepted by the daemon that it is for', () => {
  const blocks = all.flatMap(({ path, blocks: own }) =>
    own
      .filter(({ info }) => info === 'yaml')
      .map(({ text }, index): [string, number, string] => [path, index + 1, text]),
  );

  test.for(blocks)('%s, block %d', async ([, , text]) => {
    await using scratch = await createScratch();
    const said = await Promise.all(
      daemons.map(async (daemon) => {
        const file = scratch.path(`${daemon}.yaml`);
        const secret = scratch.path('secret');
        await writeFile(secret, 'secret');
        const config = stringify(whole(daemon, parse(text)));
        await writeFile(file, config.replace(/password_file: .*/, `password_file: ${secret}`));
        return (await check(daemon, file)).all;
      }),
    );
    expect(
      said.some((line) => /: ok, \d/.test(line ?? '')),
      said.join('\n'),
    ).toBe(true);
  });
});

describe('a policy is accepted in a service', () => {
  const blocks = all.flatMap(({ path, blocks: own }) =>
    own
      .filter(({ info }) => info === 'yaml policy')
      .map(({ text }, index): [string, number, string] => [path, index + 1, text]),
  );

  test.for(blocks)('%s, policy %d', async ([, , text]) => {
    await using scratch = await createScratch();
    const proxied = { discovery: { method: 'base' }, protocol: 'http' };
    const others = [...text.matchAll(/service: ([\w-]+)/g)].map(([, name]) => [name, proxied]);
    const services = {
      ...Object.fromEntries(others),
      web: { ...proxied, port: 3213, policy: parse(text) },
    };
    const file = scratch.path('synapse.yaml');
    await writeFile(file, stringify({ services }));
    const { all: said } = await check('synapse', file);
    expect(said).toMatch(/: ok, \d/);
  });
});

describe('files that a document writes are good together', () => {
  const written = all.flatMap(({ path, blocks }) =>
    blocks.flatMap(({ info, text }): [string, readonly [string, string][]][] => {
      const files = [...text.matchAll(/^cat >(\S+) <<'END'\n([\s\S]*?)^END$/gm)];
      return files.length === 0
        ? []
        : [[`${path} ${info}`, files.map(([, file = '', content = '']) => [file, content])]];
    }),
  );

  test.for(written)('%s', async ([, files]) => {
    await using scratch = await createScratch();
    for (const [file, content] of files) {
      await mkdir(dirname(scratch.path(file)), { recursive: true });
      await writeFile(scratch.path(file), content);
    }
    const [, daemon = ''] = /^\/etc\/(\w+)\//.exec(files[0]?.[0] ?? '') ?? [];
    const { all: said } = await check(
      daemon as DaemonName,
      scratch.path(`/etc/${daemon}/${daemon}.yaml`),
    );
    expect(said).toMatch(/: ok, 1 service$/);
  });
});

/** A part of a file as a whole one. */
function whole(daemon: DaemonName, part: object | null): object {
  return { ...(daemon === 'nerve' && { instance_id: 'vm-1' }), services: {}, ...part };
}

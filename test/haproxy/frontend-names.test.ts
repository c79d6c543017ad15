import { readFile, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { answerOf, createRun, drive, program, webAt } from '../support/haproxy.ts';
import { haproxyVersions } from '../support/haproxy-versions.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

const titlesIn = (text: string) =>
  text.split('\n').filter((line) => /^(frontend|backend) web/.test(line));

describe.each(haproxyVersions())('HAProxy $version', ({ binary, version }) => {
  test('says nothing of names, and the backend has that of its service', async () => {
    await using run = await createRun(binary);
    await using one = await startCopy('one');
    const port = await freePort();
    await using driven = drive(run.config);
    await driven.apply(webAt(port)(one.port));
    expect(await answerOf(port)).toBe('one');
    const file = run.path('run', 'haproxy.cfg');
    const isSeparate = !/^(2|3\.0)\./.test(version);
    expect(titlesIn(await readFile(file, 'utf8'))).toEqual([
      isSeparate ? 'frontend web.frontend' : 'frontend web',
      'backend web',
    ]);
    const { all } = await execa(binary, ['-c', '-f', file], { all: true, reject: false });
    expect(all).not.toContain('same name');
  });
});

/** A HAProxy that is replaced by one that refuses what 3.3 does: a frontend and a backend of one name. */
const replaced = (marker: string) => `#!/bin/bash
file= previous=
for word in "$@"; do [ "$previous" = -f ] && file=$word; previous=$word; done
if [ -e ${marker} ] && [ -n "$file" ]; then
  line=$(awk '$1 == "frontend" { seen[$2] = 1 } $1 == "backend" && seen[$2] { print NR " " $2; exit }' "$file")
  if [ -n "$line" ]; then
    name=\${line#* }
    echo "[ALERT]    (1) : config : Parsing [$file:\${line% *}]: backend '$name' has the same name as frontend '$name' declared at $file:1. This is no longer supported as of 3.3. Please rename one or the other." >&2
    exit 1
  fi
fi
exec ${program} "$@"
`;

test('a HAProxy that begins to refuse one name for both gets two, and no service is left out', async () => {
  await using run = await createRun();
  await using one = await startCopy('one');
  const [binary, marker] = [run.path('haproxy'), run.path('replaced')];
  await writeFile(binary, replaced(marker), { mode: 0o755 });
  const port = await freePort();
  await using driven = drive({ ...run.config, binary });
  await driven.apply(webAt(port)(one.port));
  const titles = async () => titlesIn(await readFile(run.path('run', 'haproxy.cfg'), 'utf8'));
  expect(await titles()).toEqual(['frontend web', 'backend web']);
  await writeFile(marker, '');
  const next = webAt(port, { listen: ['mode http'] })(one.port);
  await driven.apply(next);
  await until(async () => (await titles())[0] === 'frontend web.frontend');
  // The file is there before the reload that takes it has ended.
  await driven.apply(next);
  expect(await titles()).toEqual(['frontend web.frontend', 'backend web']);
  expect(driven.driver.refused?.()).toEqual([]);
  expect(await answerOf(port)).toBe('one');
  expect(await driven.apply(next)).toBe('unchanged');
  expect(driven.failures).toEqual([]);
});

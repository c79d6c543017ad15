import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

import { staticBootstrap } from '../../packages/envoy/src/resources/bootstrap.fixture.ts';
import { golden, goldenFiles } from '../../packages/envoy/src/resources/golden.fixture.ts';
import { envoyBinary } from '../support/envoy.ts';
import { createScratch } from '../support/scratch.ts';

describe('the real Envoy takes what golden files come to', () => {
  test.each(goldenFiles)('%s', async (name) => {
    await using scratch = await createScratch();
    const file = scratch.path('bootstrap.json');
    const text = JSON.stringify(staticBootstrap(golden(name).made.resources));
    await writeFile(file, text.replaceAll('/var/log/envoy', scratch.directory));
    const { exitCode, all } = await execa(
      envoyBinary(),
      ['--mode', 'validate', '-c', file, '--log-level', 'warn', '--reject-unknown-dynamic-fields'],
      { reject: false, all: true },
    );
    expect({ exitCode, warnings: warningsIn(all) }).toEqual({ exitCode: 0, warnings: [] });
  });
});

/** What Envoy does not like, such as a field that will not be there for long. */
const warningsIn = (output: string) =>
  output.split('\n').filter((line) => /\[(warning|error|critical)\]/.test(line));

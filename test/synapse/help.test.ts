import { execa } from 'execa';
import { expect, test } from 'vitest';

import { commandOf } from '../support/daemon.ts';

const helpOf = async (...words: readonly string[]) =>
  (await execa(commandOf('synapse'), [...words, '--help'])).stdout;

async function namesBelow(...words: readonly string[]): Promise<readonly string[]> {
  const [, commands = ''] = /^Commands:\n(.*)$/ms.exec(await helpOf(...words)) ?? [];
  return [...commands.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name ?? '');
}

const names = await namesBelow();
const ofPolicy = await namesBelow('policy');

test('--help names every command', () => {
  expect(names).toEqual(expect.arrayContaining(['init', 'check-config', 'status', 'diff']));
  expect(ofPolicy).toEqual(['show', 'try']);
});

test.for([[], ...names.map((name) => [name]), ...ofPolicy.map((name) => ['policy', name])])(
  'synapse %s --help fits a screen and says its exit codes',
  async (words) => {
    const help = await helpOf(...words);
    const lines = help.split('\n');
    expect(lines.length).toBeLessThanOrEqual(24);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(help).toMatch(/^Exits with 0/m);
  },
);

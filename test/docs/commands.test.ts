import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

import { commandOf } from '../support/daemon.ts';
import { type Document, documents } from '../support/markdown.ts';

const all = await documents();
const asked = new Map<string, Promise<string>>();

/** What a command says of itself; each is asked once. */
function help(daemon: string, ...args: readonly string[]): Promise<string> {
  const key = [daemon, ...args].join(' ');
  const answer =
    asked.get(key) ??
    execa(commandOf(daemon as 'nerve' | 'synapse'), [...args, '--help']).then(
      ({ stdout }) => stdout,
    );
  asked.set(key, answer);
  return answer;
}

/** Every call of a daemon's command: in blocks for the shell, and in code within sentences. */
function calls({ blocks, spans }: Document): readonly (readonly string[])[] {
  const lines = blocks.flatMap(({ text }) => text.split('\n'));
  return [...lines, ...spans].flatMap((line) => {
    const command = line
      .replace(/ +# .*/, '')
      .trim()
      .replace(/^node_modules\/\.bin\//, '');
    return /^(nerve|synapse)( [\w-]|$)/.test(command) && !command.includes('◄')
      ? [command.split(/\s+/)]
      : [];
  });
}

const used = new Map<string, Set<string>>();
for (const [daemon = '', ...words] of all.flatMap(calls)) {
  const command = words.find((word) => /^[a-z][a-z-]*$/.test(word)) ?? '';
  const name = words[0]?.startsWith('-') ? daemon : `${daemon} ${command}`.trim();
  const options = used.get(name) ?? new Set();
  for (const word of words) if (/^--?[a-z]/.test(word)) options.add(word.replace(/=.*/, ''));
  used.set(name, options);
}

describe('commands that documents name are there, with their options', () => {
  test.for([...used])('%s', async ([name, options]) => {
    const [daemon = '', command] = name.split(' ');
    const own = await help(daemon);
    if (command !== undefined) expect(own).toMatch(new RegExp(`^ +${command}( |$)`, 'm'));
    const both = command === undefined ? own : `${own}\n${await help(daemon, command)}`;
    for (const option of options) expect(`${both}\n --help --version`).toContain(option);
  });
});

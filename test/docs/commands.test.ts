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

/** Commands that have others below them. */
const groups: ReadonlySet<string> = new Set(['policy']);

const used = new Map<string, Set<string>>();
for (const [daemon = '', ...words] of all.flatMap(calls)) {
  const [command = '', below = ''] = words.filter((word) => /^[a-z][a-z-]*$/.test(word));
  const commands = groups.has(command) ? [command, below] : [command];
  const name = words[0]?.startsWith('-') ? daemon : [daemon, ...commands].join(' ').trim();
  const options = used.get(name) ?? new Set();
  for (const word of words) if (/^--?[a-z]/.test(word)) options.add(word.replace(/=.*/, ''));
  used.set(name, options);
}

describe('commands that documents name are there, with their options', () => {
  test.for([...used])('%s', async ([name, options]) => {
    const [daemon = '', ...commands] = name.split(' ');
    const helps = [await help(daemon)];
    for (const [index, command] of commands.entries()) {
      expect(helps.at(-1)).toMatch(new RegExp(`^ +${command}( |$)`, 'm'));
      helps.push(await help(daemon, ...commands.slice(0, index + 1)));
    }
    for (const option of options)
      expect(`${helps.join('\n')}\n --help --version`).toContain(option);
  });
});

import { execa } from 'execa';

/** One line of a help text's lists: an option, a command or an argument, and what it says of it. */
export interface Entry {
  readonly term: string;
  readonly text: string;
}

/** A command's `--help`, read. */
export interface Help {
  readonly usage: string;
  readonly description: string;
  readonly arguments: readonly Entry[];
  readonly options: readonly Entry[];
  readonly commands: readonly Entry[];
  /** What stands below the lists, as it is. */
  readonly rest: string;
}

/** A program's help, and that of each of its commands; one below another has both names, such as `policy show`. */
export interface ProgramHelp extends Help {
  readonly of: ReadonlyMap<string, Help>;
}

/** Asks a program for its `--help`, and for that of each command that it names, and of those below them. */
export async function helpOf(program: string): Promise<ProgramHelp> {
  const ask = async (...words: readonly string[]) =>
    parseHelp((await execa('node', [program, ...words, '--help'])).stdout);
  const main = await ask();
  const helpsOf = (names: readonly string[]) =>
    Promise.all(names.map(async (name) => [name, await ask(...name.split(' '))] as const));
  const helps = await helpsOf(main.commands.map(({ term }) => nameOf(term)));
  const below = await helpsOf(
    helps.flatMap(([name, { commands }]) =>
      name === 'help' ? [] : commands.map(({ term }) => `${name} ${nameOf(term)}`),
    ),
  );
  return { ...main, of: new Map([...helps, ...below]) };
}

/** The commands below one, with its name before theirs. */
export function below(name: string, { of }: ProgramHelp): readonly Entry[] {
  const { commands = [] } = of.get(name) ?? {};
  return name === 'help'
    ? []
    : commands.map(({ term, text }) => ({ term: `${name} ${term}`, text }));
}

/** A command's name in its list: `down [options] <service>` is `down`. */
export const nameOf = (term: string) => term.split(' ')[0] ?? term;

/** The flags of an option: `-c, --config <file>` has two. */
export const flagsOf = (term: string): readonly string[] =>
  term.match(/(?<![\w-])--?[a-z][\w-]*/gi) ?? [];

/** What an option takes: `--config <file>` takes a `file`; undefined for none. */
export const takenBy = (term: string) => /<([^>]+)>/.exec(term)?.[1];

/** The values of which an option takes one, where its text is a list of them: `trace, debug or silent`. */
export const choicesOf = ({ text }: Entry): readonly string[] =>
  /^\w+(?:, \w+)* or \w+$/.test(text) ? text.split(/, | or /) : [];

/** Reads what commander prints. */
export function parseHelp(text: string): Help {
  const [usage = '', ...blocks] = text.trimEnd().split(/\n\n/);
  const lists = new Map<string, readonly Entry[]>();
  const plain: string[] = [];
  for (const block of blocks) {
    const [, title] = /^(Arguments|Options|Commands):\n/.exec(block) ?? [];
    if (title === undefined) plain.push(block);
    else lists.set(title, entriesOf(block.split('\n').slice(1)));
  }
  const [description = '', ...rest] = plain;
  return {
    usage: usage.replace(/^Usage: /, ''),
    description,
    arguments: lists.get('Arguments') ?? [],
    options: lists.get('Options') ?? [],
    commands: lists.get('Commands') ?? [],
    rest: rest.join('\n\n'),
  };
}

/** Terms begin in the third column, and their texts after two spaces; other lines go on with the last text. */
function entriesOf(lines: readonly string[]): readonly Entry[] {
  const entries: { term: string; text: string }[] = [];
  for (const line of lines) {
    const [, term, text = ''] = /^ {2}([-\w<[].*?)(?: {2,}(.*))?$/.exec(line) ?? [];
    const last = entries.at(-1);
    if (term !== undefined) entries.push({ term, text });
    else if (last) last.text = `${last.text} ${line.trim()}`.trim();
  }
  return entries;
}

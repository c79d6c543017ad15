import type { Node } from './json-schema.ts';
import type { Key, Kind } from './keys.ts';
import { defaultOf, exampleOf, formOf } from './words.ts';

export interface TableParts {
  /** Whose file it is. */
  readonly what: string;
  /** The path that the keys are shown from. */
  readonly below: string;
  readonly keys: readonly Key[];
  /** The key that chooses among kinds, and these, where there are some. */
  readonly by: string;
  readonly kinds: readonly Kind[];
}

/** Markdown of keys, with the kinds before them; throws an error that names each key that lacks words. */
export function tableOf(root: Node, { what, below, keys, by, kinds }: TableParts): string {
  const problems = keys.flatMap((key) => problemsOf(root, key));
  if (problems.length > 0)
    throw new Error(problems.map((problem) => `${what}: ${problem}`).join('\n'));
  const shown = (key: Key) => code(below === '.' ? key.path : key.path.slice(below.length + 1));
  if (kinds.length === 0)
    return markdown(
      header,
      keys.map((key) => rowOf(root, key, shown(key))),
    );
  const kindRows = kinds.map(({ name, node }) => [code(name), `${node.description}`]);
  const keyRows = keys
    .filter(({ name, path }) => name !== by || path.slice(below.length + 1) !== by)
    .map((key) => {
      const [name = '', ...rest] = rowOf(root, key, shown(key));
      return [name, kindsText(key, kinds), ...rest];
    });
  const [first = '', ...others] = header;
  return [
    markdown([`\`${by}\``, ''], kindRows),
    markdown([first, `\`${by}\``, ...others], keyRows),
  ].join('\n\n');
}

const header = ['Key', 'Value', 'Default', 'Meaning', 'Example'];

/** Markdown of a table; what stands in a cell may hold anything. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function rowOf(root: Node, key: Key, name: string): readonly string[] {
  const { node, within = [] } = key;
  const only = within.length > 0 ? `of ${within.map(code).join(', ')}: ` : '';
  return [
    name,
    formOf(root, node),
    defaultOf(key),
    `${only}${node.description}`,
    exampleOf(root, key) ?? '',
  ];
}

function kindsText({ kinds }: Key, all: readonly Kind[]): string {
  if (!kinds || kinds.length === 0) return 'all';
  const others = all.filter(({ name }) => !kinds.includes(name));
  return others.length < 4 && others.length < kinds.length
    ? `all but ${others.map(({ name }) => code(name)).join(', ')}`
    : kinds.map(code).join(', ');
}

function problemsOf(root: Node, key: Key): readonly string[] {
  const lacks = (what: string) =>
    `${key.path} has no ${what}: give it one where it is defined, .meta({ ${what}: … })`;
  return [
    ...(key.node.description === undefined ? [lacks('description')] : []),
    ...(exampleOf(root, key) === undefined ? [lacks('examples')] : []),
  ];
}

function code(text: string): string {
  return `\`${text}\``;
}

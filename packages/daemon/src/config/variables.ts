import { isPlainValue, parsePlain } from './plain.ts';

/** What a configuration may take from the environment. */
export interface Variables {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether ERB tags are read, as in the originals' templates. */
  readonly erb: boolean;
  /**
   * Whether what stands below these keys is in a language with variables of its own, such as a shell
   * command: there `$` is left as it is.
   */
  isForeign(keys: readonly string[]): boolean;
}

/** No variables at all. */
export const noVariables: Variables = { environment: {}, erb: false, isForeign: () => true };

export interface TagProblem {
  readonly offset: number;
  readonly tag: string;
  readonly message: string;
}

/** A text whose tags (`<% … %>`, `${…}`) were taken out, each replaced by a mark of the same length, so that places stay. */
export interface Lifted {
  readonly text: string;
  readonly tags: readonly string[];
  readonly problems: readonly TagProblem[];
}

/** Marks are of characters that YAML takes like any other and that occur in no text. */
const [open, fill, close] = ['\uE000', '\uE001', '\uE002'];
const firstIndex = 0xe100;
const mostTags = 4_096;
const mark = new RegExp(`${open}([\uE100-\uF0FF])${fill}*${close}`, 'g');

const advice =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as users write it
  "write <%= ENV['NAME'] %>, <%= ENV.fetch('NAME', 'default') %> or ${NAME:-default}; no other ERB is run";

/** Matches no `${…}` with quotes or escapes in it: YAML has to read those first. */
const braces = /\$\$\{?|\$\{[A-Za-z_]\w*(?::-[^}'"\\\n]*)?\}/;
const tagPattern = new RegExp(`<%(?:%|(?:.*?%>)?)|${braces.source}`, 'gs');

/** Takes the tags out of a text; ERB that is no reading of the environment is a problem. */
export function liftTags(text: string, erb: boolean): Lifted {
  const tags: string[] = [];
  const problems: TagProblem[] = [];
  const lifted = text.replace(tagPattern, (tag, offset: number) => {
    const isErb = tag.startsWith('<');
    if (isErb ? !erb : tag.startsWith('$$') || tags.length >= mostTags / 2) return tag;
    const problem = isErb ? problemOf(tag, tags.length) : undefined;
    if (problem !== undefined) problems.push({ offset, tag, message: problem });
    if (problem !== undefined || tag.length < 3) return tag;
    tags.push(tag);
    const index = String.fromCharCode(firstIndex + tags.length - 1);
    return tag === '<%%'
      ? `${open}${index}${close}`
      : `${open}${index}${fill.repeat(tag.length - 3)}${close}`;
  });
  return { text: lifted, tags, problems };
}

function problemOf(tag: string, count: number): string | undefined {
  if (tag === '<%%' || /^<%#[^\n]*%>$/.test(tag)) return undefined;
  if (count >= mostTags) return `more than ${mostTags} ERB tags`;
  return readingOf(tag) ? undefined : `cannot read ${shown(tag)}; ${advice}`;
}

const shown = (tag: string) => {
  const [line = ''] = tag.split('\n');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
};

interface Reading {
  readonly name: string;
  readonly otherwise?: string | undefined;
}

const text = `'([^'\\\\]*)'|"([^"\\\\#]*)"`;
const name = `(?:'(\\w+)'|"(\\w+)")`;
const forms = [
  new RegExp(`^<%=\\s*ENV\\[\\s*${name}\\s*\\]\\s*(?:\\|\\|\\s*(?:${text}|(\\d+))\\s*)?-?%>$`),
  new RegExp(`^<%=\\s*ENV\\.fetch\\(\\s*${name}\\s*(?:,\\s*(?:${text}|(\\d+))\\s*)?\\)\\s*-?%>$`),
];

function readingOf(tag: string): Reading | undefined {
  for (const form of forms) {
    const [, single, double, ...defaults] = form.exec(tag) ?? [];
    const found = single ?? double;
    if (found !== undefined)
      return { name: found, otherwise: defaults.find((each) => each !== undefined) };
  }
  return undefined;
}

/** A scalar as it was written, and the keys that it stands below. */
export interface Written {
  readonly text: string;
  /** Whether it stands without quotes, where `8080` is a number. */
  readonly isPlain: boolean;
  readonly keys: readonly string[];
}

/** The value of a scalar with its variables filled in; undefined where it has none. */
export function filledIn(
  written: Written,
  tags: readonly string[],
  variables: Variables,
): { readonly value: unknown; readonly missing: readonly string[] } | undefined {
  const missing: string[] = [];
  const lookUp = lookUpIn(variables.environment, (name) => missing.push(name));
  const isForeign = variables.isForeign(written.keys);
  const fromTag = (tag: string) => {
    if (tag.startsWith('$')) return isForeign ? tag : dollars(tag, lookUp);
    const reading = readingOf(tag);
    if (reading) return lookUp(reading, () => true);
    return tag === '<%%' ? '<%' : '';
  };
  const hasDollars = written.text.includes('$') && !isForeign;
  const own = hasDollars ? dollars(written.text, lookUp) : written.text;
  const result = tags.length > 0 ? withTags(own, tags, fromTag) : own;
  if (result === written.text) return undefined;
  return { value: written.isPlain && isPlainValue(result) ? parsePlain(result) : result, missing };
}

/** A text with each mark replaced by what its tag stands for. */
function withTags(text: string, tags: readonly string[], fromTag: (tag: string) => string): string {
  return text.replace(mark, (_, index: string) =>
    fromTag(tags[index.charCodeAt(0) - firstIndex] ?? ''),
  );
}

type LookUp = (reading: Reading, isSet: (value: string) => boolean) => string;

/** Looks a variable up, or takes its default; `onMissing` is called with the name of one that has neither. */
function lookUpIn(
  environment: Variables['environment'],
  onMissing: (name: string) => void,
): LookUp {
  return ({ name, otherwise }, isSet) => {
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined && isSet(value)) return value;
    if (otherwise === undefined && value === undefined) onMissing(name);
    return otherwise ?? value ?? '';
  };
}

/** Fills in `${NAME}` and `${NAME:-default}`; `$$` is a dollar, and any other `$` is left as it is. */
function dollars(text: string, lookUp: LookUp): string {
  return text.replace(
    /\$\$|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g,
    (_, name: string | undefined, otherwise: string | undefined) =>
      name === undefined ? '$' : lookUp({ name, otherwise }, (value) => value !== ''),
  );
}

import {
  CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';

import { messageOf, UserError } from '../error.ts';
import { readRegularText } from '../files/read-file.ts';
import { fillIn, nameOf, type Problem, startOf } from './fill-in.ts';
import {
  type Lifted,
  liftTags,
  noVariables,
  type TagProblem,
  type Variables,
} from './variables.ts';

export type KeyPath = readonly PropertyKey[];

/** A configuration as it was written: its plain value, and where each part of it stands. */
export interface Source {
  readonly value: unknown;
  /** `file:line:col` of the key or item at a path, or of its nearest ancestor that is there. */
  locate(path: KeyPath): string;
  /** The text of the value at a path that was written without quotes; undefined for any other. */
  plainText(path: KeyPath): string | undefined;
  /** Warnings of a valid configuration, one `file:line:col: path: message` each. */
  readonly warnings: readonly string[];
  /** The folder that its services' files were read from. */
  readonly serviceDirectory?: string;
}

/** Everything that is wrong with a configuration, one `file:line:col: path: message` a line. */
export class ConfigError extends UserError {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Parses YAML 1.2 with merge keys, and so JSON, and fills in its variables; whole numbers that JavaScript
 * cannot hold are text. Throws a `ConfigError` that lists every syntax error.
 */
export function parseSource(file: string, text: string, variables = noVariables): Source {
  const lines = new LineCounter();
  const lifted = liftTags(text, variables.erb);
  const document = parseDocument(lifted.text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
  });
  const where = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const syntax = syntaxProblems(document, lifted);
  const problems = syntax.length > 0 ? syntax : [...fillIn(document, lifted.tags, variables)];
  if (problems.length > 0)
    throw new ConfigError(problems.map(({ offset, message }) => `${where(offset)}: ${message}`));
  return {
    // The file is the user's own, so that hundreds of services may share one anchor.
    value: document.toJS({ maxAliasCount: -1 }),
    locate: (path) => where(nodeAt(document, path).offset),
    plainText: (path) => plainTextOf(nodeAt(document, path, true)),
    warnings: [],
  };
}

/** Bad tags, or what YAML refuses where there are none. */
function syntaxProblems(document: Document.Parsed, lifted: Lifted): readonly Problem[] {
  const tagProblems = outsideComments(lifted.text, lifted.problems);
  if (tagProblems.length > 0) return tagProblems;
  return document.errors.map(({ pos, message }) => ({ offset: pos[0], message }));
}

/** Reads and parses one file; throws a `ConfigError` when it cannot be read. */
export async function readSource(file: string, variables?: Variables): Promise<Source> {
  const text = await readRegularText(file).catch((error: unknown) => {
    throw new ConfigError([`${file}: cannot read: ${messageOf(error)}`]);
  });
  return parseSource(file, text, variables);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Leaves out the problems of tags that only write into a comment (`# <%= … %>`). Code in a comment
 * (`# <% if … %>`) decided in the originals about the lines that follow, and so did a tag that ends behind
 * the comment: their problems stay.
 */
function outsideComments(text: string, problems: readonly TagProblem[]): readonly TagProblem[] {
  if (problems.length === 0) return problems;
  const comments: (readonly [from: number, to: number])[] = [];
  let at = 0;
  let before = '';
  for (const piece of new Lexer().lex(text)) {
    // The lexer's own marks are no part of the text; behind that of a scalar comes its text, whatever it begins with.
    const isMark = [CST.DOCUMENT, CST.FLOW_END, CST.SCALAR].includes(piece);
    if (!isMark && before !== CST.SCALAR && piece.startsWith('#'))
      comments.push([at, at + piece.length]);
    if (!isMark) at += piece.length;
    before = piece;
  }
  return problems.filter(
    ({ offset, tag }) =>
      !tag.startsWith('<%=') ||
      !comments.some(([from, to]) => from <= offset && offset + tag.length <= to),
  );
}

interface Found {
  readonly offset: number;
  /** What stands at the path; undefined where only an ancestor does. */
  readonly node: unknown;
}

/** The node at a path; `merged` also finds what a mapping has from an anchor. */
function nodeAt(document: Document.Parsed, path: KeyPath, merged = false): Found {
  let offset = startOf(document.contents);
  let node: unknown = document.contents;
  for (const key of path) {
    if (merged && isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = merged ? mergedPair(node, String(key), document) : ownPair(node, String(key));
      if (!pair) return { offset, node: undefined };
      offset = startOf(pair.key);
      node = pair.value;
    } else if (isSeq(node) && node.items[Number(key)] !== undefined) {
      node = node.items[Number(key)];
      offset = startOf(node);
    } else return { offset, node: undefined };
  }
  return { offset, node };
}

const ownPair = (map: YAMLMap, key: string): Pair | undefined =>
  map.items.find((item) => String(item.key) === key);

/** A mapping's own key, or one that it has by `<<`. */
function mergedPair(map: YAMLMap, key: string, document: Document.Parsed): Pair | undefined {
  const own = ownPair(map, key);
  if (own) return own;
  for (const { value } of map.items.filter((item) => nameOf(item.key) === '<<')) {
    for (const each of isSeq(value) ? value.items : [value]) {
      const from = isAlias(each) ? each.resolve(document) : each;
      const found = isMap(from) ? mergedPair(from, key, document) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}

function plainTextOf({ node }: Found): string | undefined {
  return isScalar(node) && node.type === 'PLAIN' ? (node.source ?? String(node.value)) : undefined;
}

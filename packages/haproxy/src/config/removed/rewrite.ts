import {
  type Header,
  headerOf,
  isAnything,
  namesOf,
  replacementOf,
  requestLineOf,
} from './patterns.ts';
import { ungrouped } from './ungrouped.ts';
import { isChoice, unquoted, withoutCase, writtenWords } from './written-line.ts';

/**
 * When a rule takes effect among those of its section, as it did before HAProxy 2.1: `block` went first,
 * then the `http-request` rules, then these in their order, and headers were added last.
 */
export type Turn = 'block' | 'filter' | 'add';

/** What became of a line whose keyword HAProxy removed. */
export type Rewrite =
  /** One line that means the same today, or none where it had no effect. */
  | { readonly running: string | undefined; readonly turn?: Turn }
  /** Nothing means exactly the same: what to write instead. */
  | { readonly advice: string };

/** What a line is today whose keyword HAProxy 2.1 removed; undefined for any other line. */
export function rewriteOf(line: string): Rewrite | undefined {
  const [keyword = ''] = line.split(/\s/, 1);
  const rule = headerRules.exec(keyword);
  if (rule) return headerRule(rule, writtenWords(line)?.slice(1) ?? []);
  return keyword === 'block' ? blockRule(line) : settingOf(line);
}

const headerRules =
  /^(req(?!iadd)|rsp(?=i?(?:del|rep|deny)$|add$))(i?)(add|del|rep|tarpit|deny|pass|allow)$/;

function blockRule(line: string): Rewrite {
  return /^block\s+(if|unless)\s/.test(line)
    ? { running: line.replace('block', 'http-request deny'), turn: 'block' }
    : { advice: 'write http-request deny with a condition' };
}

const settings: readonly (readonly [old: RegExp, now: string])[] = [
  [/^option\s+forceclose(?=\s|$)/, 'option httpclose'],
  [/^(timeout\s+)?clitimeout(?=\s|$)/, 'timeout client'],
  [/^(timeout\s+)?contimeout(?=\s|$)/, 'timeout connect'],
  [/^(timeout\s+)?srvtimeout(?=\s|$)/, 'timeout server'],
  [/^redisp(atch)?(?=\s|$)/, 'option redispatch'],
];

function settingOf(line: string): Rewrite | undefined {
  const [, no = '', setting = ''] = /^(no\s+)?(.*)$/.exec(line) ?? [];
  if (/^option\s+http-tunnel(\s|$)/.test(setting))
    return no === ''
      ? { advice: 'take it out: keep-alive, which needs no line, serves what it was for' }
      : { running: undefined };
  for (const [old, now] of settings) {
    const [written] = old.exec(setting) ?? [];
    if (written !== undefined) return { running: `${no}${now}${setting.slice(written.length)}` };
  }
  return undefined;
}

function headerRule(
  [, side, anyCase, action = '']: RegExpExecArray,
  args: readonly string[],
): Rewrite {
  const phase = side === 'req' ? 'http-request' : 'http-response';
  const context = { phase, anyCase: anyCase === 'i' };
  return rewriteRule(action, args, context) ?? { advice: adviceFor(action, phase) };
}

interface Context {
  readonly phase: string;
  readonly anyCase: boolean;
}

function rewriteRule(
  action: string,
  args: readonly string[],
  context: Context,
): Rewrite | undefined {
  switch (action) {
    case 'add':
      return addition(args, context);
    case 'del':
      return deletion(args, context);
    case 'rep':
      return replacement(args, context);
    case 'deny':
    case 'tarpit':
      return context.phase === 'http-response' && action === 'tarpit'
        ? undefined
        : denial(action, args, context);
    default:
      return undefined;
  }
}

function addition(
  [header = '', ...condition]: readonly string[],
  { phase }: Context,
): Rewrite | undefined {
  const word = unquoted(header);
  const [, name, value = ''] = /^([\w-]+):(?:\\? )*(.*)$/.exec(word?.text ?? '') ?? [];
  if (!word || name === undefined || value === '' || !isCondition(condition)) return undefined;
  return rule(phase, ['add-header', name, word.quoted(literal(value)), ...condition], 'add');
}

function deletion(
  [search = '', ...condition]: readonly string[],
  { phase }: Context,
): Rewrite | undefined {
  const names = namesOf(search);
  if (!names || !isCondition(condition)) return undefined;
  return rule(phase, ['del-header', ...names, ...condition], 'filter');
}

function replacement(
  [written = '', replaced = '', ...condition]: readonly string[],
  { phase, anyCase }: Context,
): Rewrite | undefined {
  if (!isCondition(condition)) return undefined;
  const [search, by] = ungrouped(written, replaced);
  const header = headerOf(search);
  const value = header && replacementOf(by, header.name);
  if (header && value !== undefined && header.isSpaced)
    return rule(
      phase,
      ['replace-header', header.name, matching(header, anyCase), literal(value), ...condition],
      'filter',
    );
  const line = phase === 'http-request' ? requestLineOf(search, by) : undefined;
  if (!line || isChoice(line.path)) return undefined;
  const path = anyCase ? withoutCase(`^${line.path}`) : `^${line.path}`;
  return rule(
    phase,
    ['replace-pathq', line.quoted(path), literal(line.by), ...condition],
    'filter',
  );
}

/** A rule that ends a request; conditions that are choices cannot be joined with what it looks for. */
function denial(
  action: string,
  [search = '', ...condition]: readonly string[],
  { phase, anyCase }: Context,
): Rewrite | undefined {
  if (!isCondition(condition)) return undefined;
  if (search !== '' && isAnything(unquoted(search)?.text ?? '-'))
    return rule(phase, [action, ...condition], 'filter');
  const header = headerOf(search);
  const isJoinable =
    condition[0] !== 'unless' && !condition.some((word) => /^(\|\||or)$/i.test(word));
  if (!header || !isJoinable || !(header.isSpaced || isAnything(header.value))) return undefined;
  const fetch = `${phase === 'http-request' ? 'req' : 'res'}.fhdr(${header.name})`;
  const sought = isAnything(header.value)
    ? ['-m', 'found']
    : ['-m', 'reg', ...(anyCase ? ['-i'] : []), matching(header, false)];
  return rule(phase, [action, 'if', '{', fetch, ...sought, '}', ...condition.slice(1)], 'filter');
}

const matching = ({ value, quoted }: Header, anyCase: boolean) =>
  quoted(anyCase ? withoutCase(`^${value}`) : `^${value}`);

const rule = (phase: string, words: readonly string[], turn: Turn): Rewrite => ({
  running: [phase, ...words].join(' '),
  turn,
});

const isCondition = ([word]: readonly string[]) => word === undefined || /^(if|unless)$/.test(word);

/** What was taken as it stood is now a format, in which a percent sign is written twice. */
const literal = (text: string) => text.replaceAll('%', '%%');

function adviceFor(action: string, phase: string): string {
  switch (action) {
    case 'add':
      return `write ${phase} add-header NAME VALUE`;
    case 'del':
      return `write ${phase} del-header NAME, with -m beg or -m reg for many names`;
    case 'rep':
      return phase === 'http-request'
        ? 'write http-request replace-header NAME REGEX VALUE, or replace-path REGEX PATH'
        : 'write http-response replace-header NAME REGEX VALUE, or set-status CODE';
    case 'pass':
      return `give the ${phase} rules that are not to apply a condition`;
    case 'allow':
      return `write ${phase} allow with a condition, before the rules that are not to apply`;
    default:
      return `write ${phase} ${action} with a condition such as if { path_beg /x } or { hdr(NAME) -m reg REGEX }`;
  }
}

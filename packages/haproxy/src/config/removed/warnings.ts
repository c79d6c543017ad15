import { formatPath, isRecord, type KeyPath, type Source } from '@smartstack/daemon';

import { rewriteOf } from './rewrite.ts';

/** A warning of each line of a configuration, as it was written, whose keyword HAProxy removed: what runs in its place, or what to write. */
export function removedLineWarnings(source: Source): readonly string[] {
  return listsIn(source.value).flatMap(([path, lines]) =>
    linesOf(lines).flatMap(([below, line]) => {
      const warning = warningOf(line);
      const place = [...path, ...below];
      return warning === undefined
        ? []
        : [`${source.locate(place)}: ${formatPath(place)}: ${warning}`];
    }),
  );
}

/** What became of a line whose keyword HAProxy removed, as a sentence; undefined for any other line. */
export function warningOf(line: string): string | undefined {
  const rewrite = rewriteOf(line);
  if (!rewrite) return undefined;
  if ('advice' in rewrite)
    return `HAProxy removed "${line}", refuses it, and has no line that means exactly the same; ${rewrite.advice}`;
  return rewrite.running === undefined
    ? `HAProxy removed "${line}", which has no effect any more; it is left out`
    : `HAProxy removed "${line}"; it runs as "${rewrite.running}"`;
}

type Placed = readonly [path: KeyPath, value: unknown];

/** Every list of lines of a frontend, a backend or of defaults. */
function listsIn(value: unknown): readonly Placed[] {
  const { haproxy, defaults, services } = record(value);
  const { extra_sections: extra, ...top } = record(haproxy);
  return [
    ...below(['haproxy'], top, ['defaults', 'shared_frontend']),
    ...below(
      ['haproxy', 'extra_sections'],
      extra,
      Object.keys(record(extra)).filter((title) =>
        /^(listen|frontend|backend|defaults)\b/.test(title),
      ),
    ),
    ...below(['defaults', 'haproxy'], record(defaults).haproxy, ownLists),
    ...Object.entries(record(services)).flatMap(([name, service]) =>
      below(['services', name, 'haproxy'], record(service).haproxy, ownLists),
    ),
  ];
}

const ownLists = ['frontend', 'backend', 'listen', 'shared_frontend'];

const record = (value: unknown) => (isRecord(value) ? value : {});

function below(path: KeyPath, value: unknown, keys: readonly string[]): readonly Placed[] {
  const all = record(value);
  return keys.map((key) => [[...path, key], all[key]]);
}

/** The lines of a list or text, each with its place below it. */
function linesOf(value: unknown): readonly (readonly [below: KeyPath, line: string])[] {
  if (Array.isArray(value))
    return value.flatMap((text, index) =>
      linesOf(text).map(([, line]) => [[index], line] as const),
    );
  if (typeof value !== 'string') return [];
  return value.split(/\r?\n/).map((line) => [[], line.trim()]);
}

import { startsWith } from '../../render/words.ts';
import { rewriteOf, type Turn } from './rewrite.ts';

/**
 * The lines of a section as HAProxy runs them: those whose keywords it removed are rewritten, and take
 * effect in the order that they always had. What cannot be rewritten stays, and HAProxy refuses it.
 */
export function runningLines(lines: readonly string[]): readonly string[] {
  const rewrites = lines.map(rewriteOf);
  if (rewrites.every((rewrite) => rewrite === undefined)) return lines;
  const running = lines.flatMap((line, index): readonly Running[] => {
    const rewrite = rewrites[index];
    if (!rewrite || 'advice' in rewrite) return [{ line }];
    return rewrite.running === undefined ? [] : [{ line: rewrite.running, turn: rewrite.turn }];
  });
  return ['http-request', 'http-response'].reduce(inTurn, running).map(({ line }) => line);
}

interface Running {
  readonly line: string;
  readonly turn?: Turn | undefined;
}

const ranks = { block: 0, filter: 2, add: 3 } as const;

/** Puts the rules of one phase in their order, where they are not; conditions go before what uses them. */
function inTurn(lines: readonly Running[], phase: string): readonly Running[] {
  const rankOf = ({ turn }: Running) => (turn ? ranks[turn] : 1);
  const isRule = ({ line }: Running) => startsWith(line, phase);
  const rules = lines.filter(isRule);
  const ordered = rules.toSorted((a, b) => rankOf(a) - rankOf(b));
  if (ordered.every((rule, index) => rule === rules[index])) return lines;
  const next = ordered.values();
  const placed = lines.map((each) => (isRule(each) ? (next.next().value ?? each) : each));
  const isCondition = ({ line }: Running) => startsWith(line, 'acl');
  return [...placed.filter(isCondition), ...placed.filter((each) => !isCondition(each))];
}

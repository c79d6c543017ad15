import { messageOf } from '@smartstack/daemon';

/** A regular expression that takes time linear in the text's length, whatever the text is. */
export interface Expression {
  readonly source: string;
  /** Whether the text, or as much of its beginning as the limit allows, has a match. */
  test(text: string): boolean;
}

/**
 * The steps that one test may take at most: each of a text's characters times the expression's size. About
 * a quarter of a second on the main thread, in the worst case that RE2's engine has; mostly it takes a
 * thousandth of that.
 */
const mostSteps = 10_000_000;

/**
 * Compiles an expression of RE2's syntax, which is JavaScript's without what takes exponential time:
 * references back, and looking ahead and behind. Rejects where it is none.
 */
export async function compileExpression(source: string): Promise<Expression> {
  const { RE2JS } = await import('re2js');
  const compiled = compile();
  const longest = Math.floor(mostSteps / Math.max(1, compiled.programSize()));
  return { source, test: (text) => compiled.test(text.slice(0, longest)) };

  function compile() {
    try {
      return RE2JS.compile(RE2JS.translateRegExp(source));
    } catch (error) {
      throw new Error(`${adviceFor(messageOf(error))}`, { cause: error });
    }
  }
}

function adviceFor(message: string): string {
  const reason = message.replace(/^error parsing regexp: /, '');
  const isForeign = /\(\?[=!<]|escape sequence: `\\\d/.test(reason);
  return `no regular expression of RE2's syntax: ${reason}${isForeign ? '; it has no looking ahead or behind and no references back, which can take for ever: write it without' : ''}`;
}

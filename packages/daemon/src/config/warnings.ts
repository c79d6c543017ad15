import type { Log } from '../logs/log.ts';

/** commander's option that makes every unknown key an error. */
export const strictOption = ['--strict', 'refuse unknown keys'] as const;

/** Prints the warnings of a valid configuration. */
export function sayWarnings(warnings: readonly string[]): void {
  for (const warning of new Set(warnings)) process.stderr.write(`warning: ${warning}\n`);
}

/** Logs each warning of a configuration once, for as long as it stays. */
export function createWarningLog(log: Log): (warnings: readonly string[]) => void {
  let known: ReadonlySet<string> = new Set();
  return (warnings) => {
    const now = new Set(warnings);
    for (const warning of now)
      if (!known.has(warning)) log.warn({ warning }, 'configuration warning');
    known = now;
  };
}

import type { Log } from '../logs/log.ts';

/** The option by which every key that is not known is an error, as commander takes it. */
export const strictOption = ['--strict', 'refuse unknown keys'] as const;

/** Prints what is worth saying of a configuration that is good, before anything else is said of it. */
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

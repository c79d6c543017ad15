import type { Log } from './log.ts';

let pending: Error[] = [];
let log: Log | undefined;

/**
 * Takes what Node.js warns of from now on, which it would print as plain text: it goes to the log once there
 * is one, and is printed at the end where there never is. Called by what is imported first.
 */
export function captureWarnings(): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (log) tell(log, warning);
    else pending.push(warning);
  });
  process.on('exit', () => {
    for (const { stack, message } of pending) process.stderr.write(`${stack ?? message}\n`);
  });
}

/** Logs what was captured, and what comes. */
export function logWarningsTo(own: Log): void {
  log = own;
  for (const warning of pending) tell(own, warning);
  pending = [];
}

function tell(own: Log, { name, message, ...more }: Error): void {
  const { code } = more as { readonly code?: string };
  own.warn(
    { warning: name, reason: message, ...(code !== undefined && { code }) },
    'Node.js warns',
  );
}

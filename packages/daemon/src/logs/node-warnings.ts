import type { Log } from './log.ts';

let pending: Error[] = [];
let log: Log | undefined;

/**
 * Captures Node.js's warnings from now on, which would be printed as plain text: they are logged once there
 * is a log, or printed at the end without one. The first import calls it.
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

/** Logs the captured warnings, and further ones as they come. */
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

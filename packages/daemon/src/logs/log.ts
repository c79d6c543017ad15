import { type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';

export type Log = Logger;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** commander's option for the log level; default `info`. */
export const logLevelOption = [
  '--log-level <level>',
  `${logLevels.slice(0, -1).join(', ')} or silent`,
  (value: string): LogLevel => {
    const level = logLevels.find((each) => each === value);
    if (level !== undefined) return level;
    const message = `It is one of ${logLevels.join(', ')}.`;
    throw Object.assign(new Error(message), { code: 'commander.invalidArgument' });
  },
] as const;

/** A logger on standard error: one JSON object a line, or readable lines where that is a terminal. */
export function createLog(name: string, level: LogLevel = 'info'): Log {
  // The reader of the log may be gone; that must not end the daemon.
  process.stderr.on('error', () => {});
  const options = {
    name,
    level,
    base: { name, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
  };
  if (!process.stderr.isTTY) return pino(options, process.stderr);
  return pino(options, pretty({ destination: 2, ignore: 'pid,hostname', sync: true }));
}

/** A logger that discards everything. */
export const silentLog: Log = pino({ level: 'silent' });

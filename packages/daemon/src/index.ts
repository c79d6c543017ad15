export { type Backoff, type BackoffLimits, createBackoff, delayOf } from './backoff.ts';
export { hasCode, messageOf, UserError } from './error.ts';
export { writeFileAtomic } from './file.ts';
export { createLatest, type Latest } from './latest.ts';
export { createLog, type Log, type LogLevel, logLevels, silentLog } from './log.ts';
export type { Mechanism } from './mechanism.ts';
export { createMetrics, type Metrics } from './metrics.ts';

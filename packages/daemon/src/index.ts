export { defaultsOf } from './config/defaults.ts';
export { duration, parseDuration } from './config/duration.ts';
export { type Inherits, inheritDefaults, withoutInherited } from './config/inherit.ts';
export { filePath, portKey, schemaKey, serviceConfDir, wholeNumber } from './config/keys.ts';
export { createLastGood, type LastGood } from './config/last-good.ts';
export type { Mechanism } from './config/mechanism.ts';
export { nearest } from './config/nearest.ts';
export { type Advice, adviceFor, adviceText, type OriginalKey } from './config/originals.ts';
export { type ReadServiceFile, readSourceWithServices } from './config/service-files.ts';
export {
  ConfigError,
  isRecord,
  type KeyPath,
  parseSource,
  readSource,
  type Source,
} from './config/source.ts';
export { starterRegistry, writeStarter } from './config/starter.ts';
export { formatPath, problemsAt, show, type ValidateOptions, validate } from './config/validate.ts';
export type { Variables } from './config/variables.ts';
export { createWarningLog, sayWarnings, strictOption } from './config/warnings.ts';
export { hasCode, messageOf, UserError } from './error.ts';
export { writeFileAtomic } from './files/file.ts';
export {
  expectRegularFile,
  readRegularFile,
  readRegularFileSync,
  readRegularStart,
  readRegularText,
} from './files/read-file.ts';
export { removeStaleSocket } from './files/stale-socket.ts';
export { createLog, type Log, type LogLevel, logLevelOption, silentLog } from './logs/log.ts';
export { captureWarnings } from './logs/node-warnings.ts';
export type { Family } from './metrics/families.ts';
export { createMetrics, type Metrics } from './metrics/metrics.ts';
export { createStatsd, type Statsd, type StatsdOptions } from './metrics/statsd.ts';
export type { PageSource } from './page/feed.ts';
export { createJournal, type Journal } from './page/journal.ts';
export type {
  PageNotice,
  PagePlot,
  PageRow,
  PageSample,
  PageService,
  PageView,
  Tone,
} from './page/model.ts';
export { percentDecoded } from './percent.ts';
export { oneLine, printable } from './printable.ts';
export { type Backoff, type BackoffLimits, createBackoff, delayOf } from './run/backoff.ts';
export { createBroadcast } from './run/broadcast.ts';
export { endWithReader, orExit, packageFile, sayOk, versionOf } from './run/command.ts';
export { createDeadline, type Deadline } from './run/deadline.ts';
export { keepRunning } from './run/keep-running.ts';
export { keepServing } from './run/keep-serving.ts';
export { createLatest, type Latest } from './run/latest.ts';
export { differenceOf, placeIn } from './run/order.ts';
export { endDeadline, isAbort, type RunOptions, runDaemon } from './run/run.ts';
export { type Life, tellSupervisor } from './run/supervisor.ts';
export { createTimeSlice, type TimeSlice } from './run/time-slice.ts';
export { judgeAuthority } from './status/authority.ts';
export {
  type StatusAddress,
  type StatusParts,
  serveStatus,
  statusAddress,
} from './status/status.ts';

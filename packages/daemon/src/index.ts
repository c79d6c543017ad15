export { judgeAuthority } from './authority.ts';
export { type Backoff, type BackoffLimits, createBackoff, delayOf } from './backoff.ts';
export { createBreath } from './breath.ts';
export { endWithReader, orExit, packageFile, sayOk, versionOf } from './command.ts';
export { defaultsOf } from './config/defaults.ts';
export { duration, parseDuration } from './config/duration.ts';
export { type Inherits, inheritDefaults, withoutInherited } from './config/inherit.ts';
export { filePath, portKey, schemaKey, serviceConfDir, wholeNumber } from './config/keys.ts';
export { createLastGood, type LastGood } from './config/last-good.ts';
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
export { formatPath, problemsAt, show, type ValidateOptions, validate } from './config/validate.ts';
export type { Variables } from './config/variables.ts';
export { createWarningLog, sayWarnings, strictOption } from './config/warnings.ts';
export { createDeadline, type Deadline } from './deadline.ts';
export { hasCode, messageOf, UserError } from './error.ts';
export { writeFileAtomic } from './file.ts';
export { keepRunning } from './keep-running.ts';
export { keepServing } from './keep-serving.ts';
export { createLatest, type Latest } from './latest.ts';
export { createLog, type Log, type LogLevel, logLevelOption, silentLog } from './log.ts';
export type { Mechanism } from './mechanism.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { captureWarnings } from './node-warnings.ts';
export { differenceOf, placeIn } from './order.ts';
export { createJournal, type Journal } from './page/journal.ts';
export type { PageSource } from './page/look.ts';
export type {
  PageNotice,
  PagePlot,
  PageRow,
  PageSample,
  PageService,
  PageView,
  Tone,
} from './page/model.ts';
export {
  expectRegularFile,
  readRegularFile,
  readRegularFileSync,
  readRegularStart,
  readRegularText,
} from './read-file.ts';
export { isAbort, type RunOptions, runDaemon } from './run.ts';
export { starterRegistry, writeStarter } from './starter.ts';
export { createStatsd, type Statsd, type StatsdOptions } from './statsd.ts';
export {
  type StatusAddress,
  type StatusParts,
  serveStatus,
  statusAddress,
} from './status.ts';
export { type Life, tellSupervisor } from './supervisor.ts';

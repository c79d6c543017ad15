export type { ClientFile, ClientFileInput, ClientFileText } from './client-file.ts';
export type { Applied, Output, ProxyDriver, ProxyStatus, Refused, ShownServer } from './driver.ts';
export {
  type Ejection,
  latencyEnds,
  type Measured,
  type MeasuredRoute,
  type MeasuredServer,
  together,
  withRoutes,
} from './measured.ts';
export { createHosts, type Hosts } from './members/hosts.ts';
export { type MemoryConfig, type MemorySection, memoryProxy } from './memory/memory.ts';
export { probe } from './process/address.ts';
export { descriptorLimit, maxconnFor } from './process/descriptors.ts';
export { createEndWatch, type EndWatch } from './process/end-watch.ts';
export { listensOn } from './process/holders.ts';
export { isStopped, startOf, takeLock } from './process/lock.ts';
export { isRunning, type ProcessId, processIdOf } from './process/process-id.ts';
export { alertsSince, boundLog, endOf, textSince, usualBound } from './process/process-log.ts';
export { runCommand } from './process/run-command.ts';
export { defaultRunDirectory, givenBySystemd } from './process/run-directory.ts';
export { Ended, spawnDetached, spawnOrphan } from './process/spawn.ts';
export type {
  ConfigurableDriver,
  Directives,
  ExplainedServer,
  ListenAddress,
  Preview,
  Problem,
  ProxyConfig,
  ProxyDeps,
  ProxyKind,
  ProxyView,
  RegistryKeys,
  ServerState,
  StateMeaning,
  TrafficHints,
} from './proxy.ts';
export { createDue, type Due } from './reload/due.ts';
export { createFailures } from './reload/failures.ts';
export { createPace, type Pace } from './reload/pace.ts';
export { pause } from './reload/pause.ts';
export { createQuarantine, type Quarantine } from './reload/quarantine.ts';
export { createReloading } from './reload/reloading.ts';
export { wakesBeside } from './reload/wakes.ts';
export { type ConfiguredService, isUnanswered, type Service, type Snapshot } from './service.ts';
export { refresh, refusedBy, statusOf } from './status-of.ts';
export { atLeast, gapsAt } from './version.ts';

export { parseHost } from './connection/address.ts';
export type * from './contract.ts';
export { isCode, type Outcome, ZooKeeperError } from './error.ts';
export { pathProblem } from './path.ts';
export { settingsOf } from './session/options.ts';
export { connect } from './session/session.ts';

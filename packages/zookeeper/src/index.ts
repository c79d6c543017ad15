export { parseHost } from './address.ts';
export type * from './contract.ts';
export { isCode, type Outcome, ZooKeeperError } from './error.ts';
export { settingsOf } from './options.ts';
export { flawOf as pathFlaw } from './path.ts';
export { connect } from './session.ts';

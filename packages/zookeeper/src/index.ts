export type * from './contract.ts';
export { type Outcome, ZooKeeperError } from './error.ts';
export { connect } from './session.ts';

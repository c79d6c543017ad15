import type { Session, SessionOptions } from './contract.ts';

export type * from './contract.ts';

export function connect(options: SessionOptions): Session {
  throw new Error(`cannot connect to ${options.hosts.join(',')}: not built yet`);
}

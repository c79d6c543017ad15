import type { Policy, Protocol } from '@smartstack/policy';

import type { LogTarget } from '../policy/access-log.ts';

/** Where apps connect to a service. */
export interface ListenAddress {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** The network device that it listens at; all where it is not said. */
  readonly device?: string | undefined;
}

/** What a service's listener is made of. */
export interface ListenerInput extends ListenAddress {
  readonly service: string;
  readonly policy: Policy;
  readonly protocol: Protocol;
  readonly target: LogTarget;
}

import { createMetrics, type Metrics } from '@smartstack/daemon';

import type { SessionState } from '../contract.ts';

/** A session's metrics; `ensemble` is the label that separates sessions. */
export interface Measures {
  state(state: SessionState): void;
  connection(result: 'opened' | 'failed' | 'expired'): void;
  lost(): void;
  operation(operation: string, code: string): void;
  lostWatch(): void;
}

const states = ['idle', 'connecting', 'connected', 'suspended', 'lost', 'closed'] as const;

const stateGauge = {
  name: 'zookeeper_session_state',
  help: '1 for the state in which the session is, 0 for the others',
  labels: ['ensemble', 'state'],
} as const;
const connectionCounter = {
  name: 'zookeeper_connections_total',
  help: 'Attempts to connect, by result',
  labels: ['ensemble', 'result'],
} as const;
const lostCounter = {
  name: 'zookeeper_sessions_lost_total',
  help: 'Sessions that ended without being closed',
  labels: ['ensemble'],
} as const;
const operationCounter = {
  name: 'zookeeper_operations_total',
  help: 'Settled operations, by operation and by code (OK for success)',
  labels: ['ensemble', 'operation', 'code'],
} as const;
const lostWatchCounter = {
  name: 'zookeeper_lost_watches_total',
  help: 'Changes that no watch told of and that the periodic comparison found',
  labels: ['ensemble'],
} as const;

export function createMeasures(ensemble: string, metrics: Metrics = createMetrics()): Measures {
  const state = metrics.gauge(stateGauge);
  const connections = metrics.counter(connectionCounter);
  const lost = metrics.counter(lostCounter);
  const operations = metrics.counter(operationCounter);
  const lostWatches = metrics.counter(lostWatchCounter);
  lostWatches.inc({ ensemble }, 0);
  lost.inc({ ensemble }, 0);

  return {
    state: (present) => {
      for (const name of states) state.set({ ensemble, state: name }, name === present ? 1 : 0);
    },
    connection: (result) => connections.inc({ ensemble, result }),
    lost: () => lost.inc({ ensemble }),
    operation: (operation, code) => operations.inc({ ensemble, operation, code }),
    lostWatch: () => lostWatches.inc({ ensemble }),
  };
}

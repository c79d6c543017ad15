import { Agent, type AgentOptions } from 'node:http';
import { Agent as TlsAgent } from 'node:https';

import type { TlsMaterial } from './tls-material.ts';

/** Connections to one server, which are kept for the next request. */
export interface Agents extends Disposable {
  /** Whose connections a request uses: new ones once the certificates have changed. */
  current(): Promise<Agent>;
}

/** An idle connection is closed after this time, before most servers do it; in milliseconds. */
const idle = 30_000;
const shared: AgentOptions = {
  keepAlive: true,
  timeout: idle,
  maxFreeSockets: 4,
  scheduling: 'lifo',
};

/** `material` says what TLS is spoken with; what Node.js trusts where it is undefined. */
export function createAgents(
  isTls: boolean,
  material: (() => Promise<TlsMaterial>) | undefined,
): Agents {
  let agent: Agent | undefined;
  let used: TlsMaterial | undefined;

  return {
    current: async () => {
      const now = isTls ? await material?.() : undefined;
      if (agent && now === used) return agent;
      if (agent) retire(agent);
      used = now;
      agent = isTls ? new TlsAgent({ ...shared, ...now }) : new Agent(shared);
      return agent;
    },
    [Symbol.dispose]: () => agent?.destroy(),
  };
}

/** Closes the connections that are idle; those in use are closed by their time limit. */
function retire({ freeSockets }: Agent): void {
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
}

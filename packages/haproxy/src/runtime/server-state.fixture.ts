import type { Server } from '../render/server.ts';
import type { ServerState } from './server-state.ts';

/** A server that a backend is to have. */
export const server = (name: string, more: Partial<Server> = {}): Server => ({
  name,
  host: '10.0.0.1',
  port: 80,
  weight: undefined,
  options: '',
  ...more,
});

/** A server as HAProxy has it. */
export const state = (name: string, more: Partial<ServerState> = {}): ServerState => ({
  name,
  id: 1,
  host: '10.0.0.1',
  port: 80,
  weight: 1,
  operational: 'running',
  maintenance: false,
  drain: false,
  ...more,
});

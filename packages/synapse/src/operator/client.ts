import { messageOf, type StatusAddress, UserError } from '@smartstack/daemon';

import { orderHeader } from '../api/handler.ts';

/** A running synapse, asked at its status address. */
export interface Client {
  /** The JSON that a path is answered with; rejects with a `UserError` where it is refused or synapse does not answer. */
  get(path: string, signal?: AbortSignal): Promise<unknown>;
  /** The same for an order. */
  order(path: string): Promise<unknown>;
}

export function createClient({ host, port }: StatusAddress): Client {
  const base = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

  async function ask(path: string, init: RequestInit): Promise<unknown> {
    const response = await fetch(`${base}${path}`, init).catch((error: unknown) => {
      init.signal?.throwIfAborted();
      const { cause } = error as Error;
      throw new UserError(
        `cannot ask synapse at ${base}: ${messageOf(cause ?? error)}; start it, or say with -c FILE or --address where it is`,
      );
    });
    const answer = (await response.json().catch(() => ({}))) as { error?: string };
    if (response.ok) return answer;
    throw new UserError(
      answer.error ?? `synapse at ${base} answered ${response.status}; its log says why`,
    );
  }

  return {
    get: (path, signal) => ask(path, signal ? { signal } : {}),
    order: (path) => ask(path, { method: 'POST', headers: { [orderHeader]: '1' } }),
  };
}

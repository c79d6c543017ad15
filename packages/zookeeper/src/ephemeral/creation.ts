import type { EphemeralOptions } from '../contract.ts';
import { ZooKeeperError } from '../error.ts';
import type { SessionContext } from '../session/context.ts';
import type { Request } from '../wire/request.ts';
import { create, type NewNode, replace } from '../wire/writes.ts';
import type { Current } from './current.ts';
import { findOwnNodes } from './own-nodes.ts';

/** Creates one ephemeral's nodes, and finds those that were created without an answer. Each becomes current. */
export interface Creation {
  create(wanted: EphemeralOptions): Promise<void>;
  /** Deletes a node and creates another in one transaction, so that there is never none and never two. */
  replace(old: string, wanted: EphemeralOptions): Promise<void>;
  /** Finds the node of a creation that was sent and not answered; undefined when there is none. */
  findUnanswered(wanted: EphemeralOptions, signal: AbortSignal): Promise<string | undefined>;
  /** Finds that, or a node that an earlier process created and did not hand off. */
  findUnrecorded(wanted: EphemeralOptions, signal: AbortSignal): Promise<string | undefined>;
}

/** `signal` ends the wait for a creation's answer. */
export function createCreation(
  context: SessionContext,
  current: Current,
  signal: AbortSignal,
): Creation {
  const { kept, identity, operations } = context;
  /** A creation was sent and its answer lost. */
  let isUnanswered = false;
  /** The process that had the session before may have created the node and died before it handed that off. */
  let isNotHandedOff = context.resumed;

  function noneIsUnrecorded() {
    isUnanswered = false;
    isNotHandedOff = false;
  }

  async function send(request: Request<string>, data: Buffer): Promise<void> {
    try {
      const path = await operations.submit(request, { signal });
      // Meanwhile another ephemeral searched for its own node, and took this one.
      if (kept.has(path)) return;
      current.set({ path, owner: identity.id(), data });
      noneIsUnrecorded();
    } catch (error) {
      if (error instanceof ZooKeeperError && error.outcome === 'unknown') isUnanswered = true;
      throw error;
    }
  }

  async function find(wanted: EphemeralOptions, ending: AbortSignal): Promise<string | undefined> {
    for await (const { path, owner } of findOwnNodes(context, wanted, ending)) {
      // Others may look at the same time: the first to get here keeps it.
      if (kept.has(path)) continue;
      current.set({ path, owner, data: undefined });
      return path;
    }
    noneIsUnrecorded();
    return undefined;
  }

  const newNode = ({ path, data, sequential }: EphemeralOptions): NewNode => ({
    path,
    data,
    mode: sequential ? 'ephemeral_sequential' : 'ephemeral',
    acl: context.acl,
  });

  return {
    create: (wanted) => send(create(newNode(wanted)), wanted.data),
    replace: (old, wanted) => send(replace(old, newNode(wanted)), wanted.data),
    findUnanswered: async (wanted, ending) => (isUnanswered ? find(wanted, ending) : undefined),
    findUnrecorded: async (wanted, ending) =>
      isUnanswered || isNotHandedOff ? find(wanted, ending) : undefined,
  };
}

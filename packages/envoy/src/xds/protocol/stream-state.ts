import { type ResourceSnapshot, type ResourceType, resourceTypes } from '../resource.ts';
import type { Changed } from './changed.ts';
import { createChannel } from './channel.ts';
import type { Channel, Rejection } from './contract.ts';
import { type Channels, createOrder } from './order.ts';
import type { Client, Protocol, Request } from './request.ts';
import type { Response } from './response.ts';

/** What one stream is to be sent next; decides, and touches nothing. Times are milliseconds of any one clock. */
export interface StreamState {
  readonly client: Client | undefined;
  readonly channels: Channels;
  /** Serves other resources; `changed` has the names of what differs from those before, by type. */
  serve(snapshot: ResourceSnapshot, changed: Changed): void;
  /** Takes a request. */
  receive(request: Request, now: number): Received;
  /** The next response, which is then on its way; undefined while there is none to send. */
  next(now: number): Response | undefined;
  /** When `next` may have one though nothing else happens; undefined for never. */
  readonly wakeAt: number | undefined;
  /** Whether nothing is on its way or to be sent; what others may still use is removed later. */
  readonly isSettled: boolean;
  /** Whether that is so, and nothing was refused. */
  readonly isInStep: boolean;
}

/** What a request was. */
export interface Received {
  readonly answer: 'ack' | 'nack' | 'none';
  /** What it refuses, as far as that is clear. */
  readonly refused: readonly Rejection[];
  /** Why the stream has to end. */
  readonly excess?: string;
}

export interface StreamLimits {
  readonly responseBytes: number;
  readonly names: number;
  readonly patience: number;
  readonly letGo: number;
}

export function createStreamState(protocol: Protocol, limits: StreamLimits): StreamState {
  const channelOf = (type: ResourceType) =>
    createChannel({ type, protocol, responseBytes: limits.responseBytes });
  const channels: Channels = {
    cluster: channelOf('cluster'),
    endpoints: channelOf('endpoints'),
    listener: channelOf('listener'),
    route: channelOf('route'),
  };
  let snapshot: ResourceSnapshot | undefined;
  const order = createOrder(channels, () => snapshot?.endpoints, limits);
  const nonces = createNonces();
  let client: Client | undefined;

  function receive(request: Request, now: number): Received {
    client ??= request.client;
    const { type, nonce } = request;
    if (type === undefined) return { answer: 'none', refused: [] };
    const channel = channels[type];
    // State of the world: it will ask again, with what it asks for then, when it has read the newer response.
    const isStale = protocol === 'sotw' && nonces.isStale(type, nonce);
    const received = isStale ? nothing : answer(type, channel, request, now);
    if (isStale) return nothing;
    channel.ask(request.names);
    if (channel.size > limits.names)
      return { ...received, excess: `more than ${limits.names} names of type ${type}` };
    return received;
  }

  function answer(type: ResourceType, channel: Channel, { nonce, refusal }: Request, now: number) {
    if (nonce === '') return nothing;
    if (refusal !== undefined) {
      const refused = channel.refuse(nonce, refusal, now);
      return refused ? ({ answer: 'nack', refused } as const) : nothing;
    }
    const taken = channel.accept(nonce);
    if (taken && type === 'cluster') order.tookClusters(taken);
    return taken ? ({ answer: 'ack', refused: [] } as const) : nothing;
  }

  function next(now: number): Response | undefined {
    for (const type of snapshot ? resourceTypes : []) {
      const channel = channels[type];
      if (!channel.isAsked || channel.inFlight) continue;
      const may = order.mayNow(type, channel.pending(), now);
      if (!may.additions && !may.removals) continue;
      const nonce = nonces.coming;
      const draft = channel.draft(nonce, may);
      if (!draft) continue;
      nonces.sent(type);
      if (type === 'cluster' && channel.inFlight) order.sendsClusters(channel.inFlight);
      return { type, nonce, ...draft };
    }
    return undefined;
  }

  function isSettled(): boolean {
    if (!snapshot) return false;
    return resourceTypes.every((type) => {
      const { isAsked, inFlight, pending } = channels[type];
      if (!isAsked) return true;
      const { fresh, changed, absent, removed, owes } = pending();
      const open = fresh.length + changed.length + absent.length;
      return !inFlight && !owes && open === 0 && (type !== 'listener' || removed.length === 0);
    });
  }

  return {
    get client() {
      return client;
    },
    channels,
    serve: (served, changed) => {
      snapshot = served;
      for (const type of resourceTypes) channels[type].serve(served[type], changed[type]);
    },
    receive,
    next,
    get wakeAt() {
      return order.wakeAt;
    },
    get isSettled() {
      return isSettled();
    },
    get isInStep() {
      return isSettled() && resourceTypes.every((type) => channels[type].rejected.size === 0);
    },
  };
}

const nothing = { answer: 'none', refused: [] } as const;

/** The nonces of one stream's responses: a count over all types. */
function createNonces() {
  let count = 0;
  const last = new Map<ResourceType, string>();
  return {
    /** The nonce of the response that is sent next. */
    get coming() {
      return String(count + 1);
    },
    sent: (type: ResourceType): void => {
      last.set(type, String(++count));
    },
    /** Whether a request answers a response that another one followed; one that answers none is not stale. */
    isStale: (type: ResourceType, nonce: string): boolean => {
      const newest = last.get(type);
      return nonce !== '' && newest !== undefined && nonce !== newest;
    },
  };
}

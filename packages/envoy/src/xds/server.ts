import { status as codes } from '@grpc/grpc-js';

import {
  createLatest,
  createTimeSlice,
  type Latest,
  type Log,
  type Metrics,
} from '@smartstack/daemon';
import { defaultLimits, type Limits } from './limits.ts';
import { createMeters } from './metrics.ts';
import { changedBetween } from './protocol/changed.ts';
import type { Client, Protocol } from './protocol/request.ts';
import { createEncoder } from './protocol/response.ts';
import { createRefusalLog } from './refusal-log.ts';
import { type ResourceSnapshot, type ResourceType, resourceTypes } from './resource.ts';
import { type StreamStatus, statusOf } from './status.ts';
import { createTally } from './tally.ts';
import { createGrpcServer } from './transport/grpc.ts';
import {
  type Listener,
  type ListenOptions,
  listenAtAddress,
  listenAtSocket,
} from './transport/socket.ts';
import {
  type Call,
  clientOf,
  openStream,
  type Stream,
  type StreamEvents,
} from './transport/stream.ts';

/** Serves resources over the aggregated discovery service (ADS), in both protocols, until it is disposed of. */
export interface AdsServer extends AsyncDisposable {
  /** Listens at a UNIX socket, a loopback address, or both; answers the port of the address. */
  listen(options: ListenOptions): Promise<{ readonly port: number | undefined }>;
  /** Serves these from now on: each stream gets what changed, of what it asked for. Cheap when equal. */
  serve(snapshot: ResourceSnapshot): void;
  /** What subscribers have and refuse: JSON-safe. */
  status(): readonly StreamStatus[];
  /** Whether a subscriber of those that count has a resource, in this version or an earlier one. */
  has(type: ResourceType, name: string, counts: (client: Client) => boolean): boolean;
  /** Yields when something of `status` changed that matters: a refusal, a stream that came, went or is in step. */
  changes(signal: AbortSignal): AsyncIterable<void>;
  /** Whether every stream has confirmed or refused all that it asked for. */
  readonly isSettled: boolean;
  /** Whether every stream has confirmed all that it asked for. */
  readonly isInStep: boolean;
}

export interface AdsOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly limits?: Partial<Limits>;
}

export function createAdsServer({ log, metrics, limits: own }: AdsOptions): AdsServer {
  const limits = { ...defaultLimits, ...own };
  const meters = createMeters(metrics);
  const encoder = createEncoder();
  const streams = new Set<Stream>();
  const tally = createTally(meters);
  const listeners: Listener[] = [];
  const readers = new Set<Latest<void>>();
  const logRefusal = createRefusalLog(log);
  const ready = new Set<Stream>();
  let isPumping = false;
  let isClosing = false;
  let open = 0;
  let snapshot: ResourceSnapshot | undefined;

  const tell = () => {
    for (const reader of readers) reader.set();
  };

  /** Lets streams send, without holding the event loop for long. */
  async function pump(): Promise<void> {
    if (isPumping) return;
    isPumping = true;
    const slice = createTimeSlice();
    await slice.yield();
    // What becomes ready meanwhile is taken in the same loop: a set yields what is added to it.
    for (const stream of ready) {
      ready.delete(stream);
      stream.pump();
      if (slice.isOver) await slice.yield();
    }
    isPumping = false;
  }

  function wakeUp(stream: Stream): void {
    ready.add(stream);
    void pump();
  }

  const events: StreamEvents = {
    received: (stream, request, { answer, refused }) => {
      meters.requests.inc({ answer });
      if (request.client && request.client === stream.state.client)
        log.info(clientOf(stream), 'subscriber connected');
      for (const rejection of refused) logRefusal(rejection, stream);
      const isDone = tally.note(stream);
      if (answer === 'nack' || isDone) tell();
    },
    sent: (stream, { type }, bytes) => {
      meters.responses.inc({ type });
      meters.bytes.inc({ type }, bytes);
      tally.note(stream);
    },
    ready: wakeUp,
    malformed: (stream, reason) => {
      meters.requests.inc({ answer: 'malformed' });
      log.warn({ ...clientOf(stream), reason }, 'subscriber sent no discovery request');
    },
    failed: (stream, err) => log.error({ ...clientOf(stream), err }, 'cannot serve a subscriber'),
    ended: (stream) => {
      streams.delete(stream);
      ready.delete(stream);
      tally.drop(stream);
      if (stream.state.client) log.info(clientOf(stream), 'subscriber disconnected');
      tell();
    },
  };

  function onCall(protocol: Protocol, call: Call): void {
    open += 1;
    call.on('cancelled', () => {
      open -= 1;
    });
    const stream = openStream({ call, protocol, limits, encoder, events });
    if (isClosing) stream.end();
    else if (open > limits.streams)
      stream.end({
        code: codes.RESOURCE_EXHAUSTED,
        details: `more than ${limits.streams} streams`,
      });
    else {
      streams.add(stream);
      if (snapshot) stream.state.serve(snapshot, unchanged);
      tally.note(stream);
      tell();
    }
  }

  const grpc = createGrpcServer(onCall, limits);
  const accept = { onConnection: grpc.connect, connections: limits.connections };

  return {
    listen: async ({ socket, address }) => {
      if (socket) listeners.push(await listenAtSocket(socket, accept));
      const listener = address === undefined ? undefined : await listenAtAddress(address, accept);
      if (listener) listeners.push(listener);
      return { port: listener?.port };
    },
    serve: (next) => {
      const changed = changedBetween(snapshot, next);
      const isSame = snapshot && resourceTypes.every((type) => changed[type].length === 0);
      if (isSame) return;
      snapshot = next;
      encoder.forget();
      for (const stream of streams) {
        stream.state.serve(next, changed);
        // What it was to be sent may be what it has again.
        if (tally.note(stream)) tell();
        wakeUp(stream);
      }
    },
    status: () => [...streams].map(statusOf),
    has: (type, name, counts) =>
      [...streams].some(
        ({ state: { client, channels } }) =>
          client !== undefined && counts(client) && channels[type].holds(name),
      ),
    changes: (signal) => follow(readers, signal),
    get isSettled() {
      return [...streams].every(({ state }) => state.isSettled);
    },
    get isInStep() {
      return [...streams].every(({ state }) => state.isInStep);
    },
    [Symbol.asyncDispose]: async () => {
      isClosing = true;
      for (const listener of listeners) listener[Symbol.dispose]();
      for (const stream of streams) stream.end();
      await grpc.close();
      for (const reader of readers) reader.end();
    },
  };
}

async function* follow(
  readers: Set<Latest<void>>,
  signal: AbortSignal,
): AsyncGenerator<void, void> {
  const latest = createLatest<void>();
  readers.add(latest);
  try {
    yield* latest.values(signal);
  } finally {
    readers.delete(latest);
  }
}

const unchanged = { cluster: [], endpoints: [], listener: [], route: [] };

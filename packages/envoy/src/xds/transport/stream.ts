import { type ServerDuplexStream, status } from '@grpc/grpc-js';

import { messageOf } from '@smartstack/daemon';
import type { Limits } from '../limits.ts';
import { type Protocol, type Request, readRequest } from '../protocol/request.ts';
import type { Encoder, Response } from '../protocol/response.ts';
import { createStreamState, type Received, type StreamState } from '../protocol/stream-state.ts';
import { now } from './clock.ts';
import { createPace } from './pace.ts';

/** A call whose messages are bytes. */
export type Call = ServerDuplexStream<Buffer, Buffer>;

/** One subscriber's stream. */
export interface Stream {
  readonly protocol: Protocol;
  readonly state: StreamState;
  readonly peer: string;
  /** When it was opened. */
  readonly since: number;
  /** Sends what there is to send, as far as the client reads. */
  pump(): void;
  /** Ends it, with what is wrong if something is. */
  end(problem?: { readonly code: status; readonly details: string }): void;
}

/** What a stream tells. */
export interface StreamEvents {
  received(stream: Stream, request: Request, received: Received): void;
  sent(stream: Stream, response: Response, bytes: number): void;
  /** There may be something to send. */
  ready(stream: Stream): void;
  /** The client sent what is no request. */
  malformed(stream: Stream, reason: string): void;
  /** Something went wrong here; the stream ends, and others go on. */
  failed(stream: Stream, error: unknown): void;
  /** It has ended, for whatever reason; told once. */
  ended(stream: Stream): void;
}

export interface StreamOptions {
  readonly call: Call;
  readonly protocol: Protocol;
  readonly limits: Limits;
  readonly encoder: Encoder;
  readonly events: StreamEvents;
}

/** Serves one call; one response at a time is given to the connection, and the next once that has gone out. */
export function openStream({ call, protocol, limits, encoder, events }: StreamOptions): Stream {
  const state = createStreamState(protocol, limits);
  const pace = createPace(limits.requestBurst, limits.requestsPerSecond);
  let isWriting = false;
  let isOver = false;
  let wake: NodeJS.Timeout | undefined;
  let rest: NodeJS.Timeout | undefined;

  /** What goes wrong with one stream ends that one. */
  function guarded(work: () => void): void {
    try {
      if (!isOver) work();
    } catch (error) {
      events.failed(stream, error);
      end({ code: status.INTERNAL, details: 'the server failed' });
    }
  }

  function receive(bytes: Buffer): void {
    const pause = pace.count(now());
    if (pause > 0) {
      call.pause();
      rest = setTimeout(() => call.resume(), pause);
    }
    let request: Request;
    try {
      request = readRequest(protocol, bytes);
    } catch (error) {
      events.malformed(stream, messageOf(error));
      end({
        code: status.INVALID_ARGUMENT,
        details: `not a discovery request: ${messageOf(error)}`,
      });
      return;
    }
    const received = state.receive(request, now());
    events.received(stream, request, received);
    if (received.excess === undefined) events.ready(stream);
    else end({ code: status.RESOURCE_EXHAUSTED, details: received.excess });
  }

  function pump(): void {
    clearTimeout(wake);
    if (isWriting) return;
    const response = state.next(now());
    if (response) send(response);
    else if (state.wakeAt !== undefined)
      wake = setTimeout(() => events.ready(stream), Math.max(1, state.wakeAt - now()));
  }

  function send(response: Response): void {
    const bytes = encoder.encode(protocol, response);
    isWriting = true;
    call.write(bytes, () => {
      isWriting = false;
      events.ready(stream);
    });
    events.sent(stream, response, bytes.length);
  }

  function stop(): void {
    if (isOver) return;
    isOver = true;
    clearTimeout(wake);
    clearTimeout(rest);
    events.ended(stream);
  }

  function end(problem?: { readonly code: status; readonly details: string }): void {
    if (isOver) return;
    stop();
    if (problem) call.emit('error', problem);
    else call.end();
    // What it still sends is read and dropped, so that it sees the end.
    call.resume();
  }

  const stream: Stream = {
    protocol,
    state,
    peer: peerOf(call),
    since: now(),
    pump: () => guarded(pump),
    end,
  };
  call.on('data', (bytes: Buffer) => guarded(() => receive(bytes)));
  call.on('end', () => end());
  call.on('cancelled', stop);
  call.on('error', stop);
  return stream;
}

function peerOf(call: Call): string {
  const peer = call.getPeer();
  return peer === 'unknown' ? 'unix socket' : peer;
}

/** Whose stream it is, for logs. */
export const clientOf = ({ state: { client }, peer, protocol }: Stream) => ({
  node: client?.id ?? '',
  userAgent: client?.userAgent ?? '',
  peer,
  protocol,
});

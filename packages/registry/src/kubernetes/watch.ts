import type { HttpClient } from '../http/client.ts';
import { HttpError } from '../http/error.ts';
import { parseJson } from '../http/json.ts';
import { expectIn } from './list.ts';
import { Gone, readStatus, type Scope, slicesPath } from './requests.ts';
import { isOlder } from './revision.ts';
import { readSlice, type Slice, shownKind } from './slice.ts';

/** What a watch tells; each with the version of the registry up to which everything was told. */
export type WatchEvent =
  | { readonly type: 'begun' | 'bookmark'; readonly resourceVersion: string }
  | { readonly type: 'put' | 'removed'; readonly slice: Slice; readonly resourceVersion: string };

export interface WatchOptions {
  readonly client: HttpClient;
  readonly scope: Scope;
  /** The version after which events are wanted. */
  readonly from: string;
  /** When the server should end the watch, in milliseconds. */
  readonly timeout: number;
  /** A stream that says nothing for so long is given up, in milliseconds. */
  readonly silence: number;
}

/** No event is longer: a slice has 1,000 endpoints at most. */
const maxLine = 8 * 1024 * 1024;

/**
 * The changes after a version, as they come. Returns when the server ends the watch, as it should now and then; rejects
 * with `Gone` where that version is too old, with a `CutOff` where the stream broke, and for whatever is no watch event.
 */
export async function* watchSlices(
  { client, scope, from, timeout, silence }: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void> {
  const path = slicesPath(scope, {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: from,
    timeoutSeconds: String(Math.ceil(timeout / 1000)),
  });
  const { body } = await client
    .lines({ path, maxLine, silence, timeout: 30_000 }, signal)
    .catch((error: unknown) => {
      if (error instanceof HttpError && error.status === 410)
        throw new Gone(error.message, { cause: error });
      throw error;
    });
  let last = from;
  yield { type: 'begun', resourceVersion: from };
  for await (const line of body) {
    const event = readEvent(await parseJson(line, signal), scope);
    const { resourceVersion } = event;
    const isBack = isOlder(resourceVersion, last);
    const isAgain = event.type !== 'bookmark' && resourceVersion === last;
    if (isBack || isAgain)
      throw new Gone(`the watch went back from version ${last} to ${resourceVersion}`);
    last = resourceVersion;
    yield event;
  }
}

function readEvent(line: unknown, scope: Scope): WatchEvent {
  const { type, object } = (line ?? {}) as { readonly type?: unknown; readonly object?: unknown };
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED': {
      const slice = expectIn(scope, readSlice(object));
      const { resourceVersion } = slice;
      return { type: type === 'DELETED' ? 'removed' : 'put', slice, resourceVersion };
    }
    case 'BOOKMARK':
      return { type: 'bookmark', resourceVersion: bookmarked(object) };
    case 'ERROR':
      throw errorOf(object);
    default:
      throw new Error(`got a watch event of an unknown type: ${String(type).slice(0, 60)}`);
  }
}

function bookmarked(object: unknown): string {
  const { metadata } = (object ?? {}) as {
    readonly metadata?: { readonly resourceVersion?: unknown };
  };
  const version = metadata?.resourceVersion;
  if (typeof version === 'string' && version !== '') return version;
  throw new Error('got a bookmark without a resourceVersion');
}

function errorOf(object: unknown): Error {
  const status = readStatus(object);
  if (!status) return new Error(`got an error event with ${shownKind(object)}`);
  const message = `${status.code ?? 'no code'}: ${(status.message ?? status.reason ?? '').slice(0, 500)}`;
  const isGone = status.code === 410 || status.reason === 'Expired' || status.reason === 'Gone';
  return isGone ? new Gone(message) : new Error(message);
}

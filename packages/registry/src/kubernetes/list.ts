import { createTimeSlice } from '@smartstack/daemon';
import { z } from 'zod';

import type { HttpClient } from '../http/client.ts';
import { HttpError } from '../http/error.ts';
import { Gone, type Scope, slicesPath } from './requests.ts';
import { apiVersion, readSlice, type Slice, shownKind } from './slice.ts';

/** A whole list, and the version of the registry at which it was whole. */
export interface SliceList {
  readonly slices: readonly Slice[];
  readonly resourceVersion: string;
}

const perPage = '500';
const timeout = 30_000;
/** No list has more slices. */
const mostSlices = 100_000;

const page = z.object({
  kind: z.literal('EndpointSliceList'),
  apiVersion: z.literal(apiVersion),
  metadata: z.object({ resourceVersion: z.string().min(1), continue: z.string().nullish() }),
  items: z.array(z.unknown()).nullish(),
});

const expected = `an EndpointSliceList of ${apiVersion} with a resourceVersion`;

/** Lists the slices page by page; rejects where any page fails, so that a list is whole or none. */
export async function listSlices(
  client: HttpClient,
  scope: Scope,
  signal: AbortSignal,
): Promise<SliceList> {
  try {
    return await listPages(client, scope, { limit: perPage }, signal);
  } catch (error) {
    // Pages that took too long to ask for: all at once, then.
    if (error instanceof Gone) return listPages(client, scope, {}, signal);
    throw error;
  }
}

async function listPages(
  client: HttpClient,
  scope: Scope,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<SliceList> {
  const slices: Slice[] = [];
  const tokens = new Set<string>();
  const slice = createTimeSlice();
  let first: string | undefined;
  for (let token = ''; ; ) {
    const asked = { ...query, ...(token !== '' && { continue: token }) };
    const body = await ask(client, slicesPath(scope, asked), signal);
    const read = page.safeParse(body);
    if (!read.success) throw new Error(`expected ${expected}, got ${shownKind(body)}`);
    const { metadata, items } = read.data;
    first ??= metadata.resourceVersion;
    if (metadata.resourceVersion !== first)
      throw new Gone(`pages of versions ${first} and ${metadata.resourceVersion}`);
    for (const item of items ?? []) {
      if (slice.isOver) await slice.yield();
      slices.push(expectIn(scope, readSlice(item, true)));
    }
    if (slices.length > mostSlices) throw new Error(`more than ${mostSlices} EndpointSlices`);
    if (!metadata.continue) return { slices, resourceVersion: first };
    if (tokens.has(metadata.continue)) throw new Error('the list leads back to a page before');
    token = metadata.continue;
    tokens.add(token);
  }
}

async function ask(client: HttpClient, path: string, signal: AbortSignal): Promise<unknown> {
  try {
    return (await client.json({ path, timeout }, signal)).body;
  } catch (error) {
    if (error instanceof HttpError && error.status === 410)
      throw new Gone(error.message, { cause: error });
    throw error;
  }
}

/** Throws where a slice is of another namespace than the one that was asked for. */
export function expectIn({ namespace }: Scope, slice: Slice): Slice {
  if (namespace !== undefined && slice.namespace !== namespace)
    throw new Error(`got an EndpointSlice of namespace ${slice.namespace}`);
  return slice;
}

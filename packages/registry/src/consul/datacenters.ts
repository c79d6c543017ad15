import { createLatest } from '@smartstack/daemon';

import { badRecordsOf, withBadRecords } from '../instance/decoder.ts';
import type { Instance } from '../instance/instance.ts';

/** One datacenter's part of a service. */
export interface Part {
  readonly name: string;
  follow(
    onTrouble: (reason: string | undefined) => void,
    signal: AbortSignal,
  ): AsyncIterable<readonly Instance[]>;
}

/**
 * Follows several datacenters, and yields the list of the first that has members. Nothing is yielded before each one
 * ahead of it has answered or failed; one that fails later keeps its last list.
 */
export async function* followDatacenters(
  parts: readonly Part[],
  onTrouble: (reason: string | undefined, part: string) => void,
  outer: AbortSignal,
): AsyncGenerator<readonly Instance[], void> {
  const ended = new AbortController();
  const end = () => ended.abort(outer.reason);
  outer.addEventListener('abort', end);
  if (outer.aborted) end();
  const lists = new Map<string, readonly Instance[]>();
  const failed = new Set<string>();
  const chosen = createLatest<readonly Instance[]>();
  let last: readonly Instance[] | undefined;

  function choose(): void {
    const waits = parts.findIndex(({ name }) => !lists.has(name) && !failed.has(name));
    const heard = parts.slice(0, waits === -1 ? parts.length : waits);
    const first = heard.find(({ name }) => (lists.get(name)?.length ?? 0) > 0);
    // That all are empty is known only once all have answered.
    const all = parts.every(({ name }) => lists.has(name));
    const list = first ? lists.get(first.name) : all ? joined(parts, lists) : undefined;
    if (list && list !== last) chosen.set(list);
    last = list ?? last;
  }

  const running = parts.map(async ({ name, follow }) => {
    const note = (reason: string | undefined) => {
      if (reason === undefined) failed.delete(name);
      else failed.add(name);
      onTrouble(reason, `datacenter ${name}`);
      choose();
    };
    for await (const list of follow(note, ended.signal)) {
      lists.set(name, list);
      choose();
    }
  });
  try {
    yield* chosen.values(ended.signal);
  } finally {
    ended.abort();
    outer.removeEventListener('abort', end);
    await Promise.all(running);
  }
}

/** No member anywhere: what each left out. */
function joined(
  parts: readonly Part[],
  lists: ReadonlyMap<string, readonly Instance[]>,
): readonly Instance[] {
  return withBadRecords(
    [],
    parts.flatMap(({ name }) => badRecordsOf(lists.get(name) ?? [])),
  );
}

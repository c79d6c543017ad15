import { setImmediate as nextTurn } from 'node:timers/promises';

/** Yields the items in their order, so many in each turn of the event loop: long work holds it only that long. */
export async function* inTurns<Item>(
  items: Iterable<Item>,
  perTurn: number,
): AsyncGenerator<readonly Item[], void> {
  let turn: Item[] = [];
  for (const item of items) {
    turn.push(item);
    if (turn.length < perTurn) continue;
    yield turn;
    turn = [];
    await nextTurn();
  }
  if (turn.length > 0) yield turn;
}

/** A first-in-first-out queue whose cost does not grow with its length. */
export interface Queue<T> {
  readonly length: number;
  push(item: T): void;
  shift(): T | undefined;
  /** Puts items back before all others, in their order. */
  prepend(items: readonly T[]): void;
  /** Takes everything out. */
  drain(): readonly T[];
  /** Drops every item that is not worth keeping. */
  filter(keep: (item: T) => boolean): void;
}

export function createQueue<T>(): Queue<T> {
  let items: T[] = [];
  let head = 0;

  return {
    get length() {
      return items.length - head;
    },
    push: (item) => void items.push(item),
    shift() {
      if (head === items.length) return undefined;
      const item = items[head];
      head += 1;
      if (head > 1024 && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
    prepend(front) {
      items = [...front, ...items.slice(head)];
      head = 0;
    },
    drain() {
      const all = items.slice(head);
      items = [];
      head = 0;
      return all;
    },
    filter(keep) {
      items = items.slice(head).filter(keep);
      head = 0;
    },
  };
}

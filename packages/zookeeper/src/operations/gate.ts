import { createQueue } from './queue.ts';

/** Limits how many tasks run at a time; the others wait, first come first served. */
export interface Gate {
  run<T>(task: () => Promise<T>): Promise<T>;
}

export function createGate(size: number): Gate {
  const waiting = createQueue<() => void>();
  let free = size;

  return {
    async run(task) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await task();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else free += 1;
      }
    },
  };
}

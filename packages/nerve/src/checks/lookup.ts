import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';

/** More lookups at once would block all four of Node's threads while a name server does not answer, and file access with them. */
const atOnce = 2;

type Callback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;
type Lookup = (hostname: string, options: LookupOptions, callback: Callback) => void;

/** Looks addresses up by `ask`, a few names at a time; simultaneous lookups of one name share one answer. */
export function createLookup(ask: Lookup = systemLookup): Lookup {
  const asked = new Map<string, Callback[]>();
  const waiting: (() => void)[] = [];
  let running = 0;

  function start(key: string, hostname: string, options: LookupOptions): void {
    running++;
    ask(hostname, options, (...answer) => {
      running--;
      const callbacks = asked.get(key) ?? [];
      asked.delete(key);
      waiting.shift()?.();
      for (const each of callbacks) each(...answer);
    });
  }

  return (hostname, options, callback) => {
    const key = JSON.stringify([hostname, options]);
    const others = asked.get(key);
    if (others) return void others.push(callback);
    asked.set(key, [callback]);
    if (running < atOnce) start(key, hostname, options);
    else waiting.push(() => start(key, hostname, options));
  };
}

/** The lookup that all checks of this process share. */
export const lookup = createLookup();

import type { ClientHttp2Session } from 'node:http2';

/** How long nothing may come before we ask whether anybody is there; etcd closes who asks more often than each 5 s. */
const quiet = 6_000;
/** How long the answer may take, in milliseconds. */
const patience = 4_000;

/** Pings a connection that has streams and is quiet, and closes it where no answer comes. */
export function keepPinging(session: ClientHttp2Session, close: (reason: Error) => void) {
  let streams = 0;
  let timer: NodeJS.Timeout | undefined;
  let last = performance.now();

  function schedule(): void {
    clearTimeout(timer);
    if (streams === 0 || session.destroyed) return;
    timer = setTimeout(ask, Math.max(100, last + quiet - performance.now()));
  }

  function ask(): void {
    if (performance.now() - last < quiet) {
      schedule();
      return;
    }
    // A process that slept finds all of its timers due: the session may have ended a moment ago.
    if (session.destroyed) return;
    timer = setTimeout(late, patience);
    const sent = session.ping((error) => {
      if (error) return;
      last = performance.now();
      schedule();
    });
    if (!sent) close(new Error('cannot ping'));
  }

  /** The answer to a ping stands in line behind a long message that is on its way. */
  function late(): void {
    if (performance.now() - last < patience) schedule();
    else close(new Error(`no answer to a ping in ${patience} ms`));
  }

  session.once('close', () => clearTimeout(timer));
  return {
    heard: () => {
      last = performance.now();
    },
    /** Pings while there is a stream; call the result when it has ended. */
    hold: () => {
      streams += 1;
      if (streams === 1) {
        last = performance.now();
        schedule();
      }
      return () => {
        streams -= 1;
        schedule();
      };
    },
  };
}

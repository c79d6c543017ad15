import { Writable } from 'node:stream';

import { pino } from 'pino';

/** A log whose lines are kept, as `level message: reason`, with what to do about it. */
export function createTestLog() {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      const { level, msg, reason = '', fix = '' } = JSON.parse(chunk.toString());
      lines.push(`${pino.levels.labels[level]} ${msg}: ${reason}${fix === '' ? '' : `; ${fix}`}`);
      done();
    },
  });
  return { log: pino(stream), lines };
}

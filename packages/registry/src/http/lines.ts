import type { IncomingMessage } from 'node:http';

export interface LineLimits {
  /** No line may be longer, in bytes. */
  readonly maxLine: number;
  /** The stream is given up when nothing has come for so long, in milliseconds. */
  readonly silence: number;
}

/** A stream that did not end but was cut off, or fell silent: what was said last may be half of it. */
export class CutOff extends Error {
  override readonly name = 'CutOff';
  /** Whether something may have been said that was not heard: it fell silent, or a line was too long. */
  readonly hasMissed: boolean = false;
}

class Missed extends CutOff {
  override readonly hasMissed = true;
}

/**
 * The lines of an answer as they come, without their ends; empty ones are left out. Returns when the server has
 * ended the answer; rejects with a `CutOff` where the connection broke, nothing came for too long, or a line is too long.
 */
export async function* readLines(
  response: IncomingMessage,
  { maxLine, silence }: LineLimits,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const timer = setTimeout(() => {
    response.destroy(new Missed(`nothing came for ${silence} ms`));
  }, silence);
  const onAbort = () => response.destroy();
  signal.addEventListener('abort', onAbort);
  let rest: Buffer[] = [];
  let length = 0;
  try {
    signal.throwIfAborted();
    for await (const chunk of response as AsyncIterable<Buffer>) {
      timer.refresh();
      let begin = 0;
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, begin)) {
        const line = Buffer.concat([...rest, chunk.subarray(begin, at)]);
        [rest, length, begin] = [[], 0, at + 1];
        if (line.length > maxLine) throw tooLong(maxLine);
        if (line.length > 0) yield line;
        // A reader may take its time: the silence is the server's.
        timer.refresh();
      }
      if (begin === chunk.length) continue;
      rest.push(chunk.subarray(begin));
      length += chunk.length - begin;
      if (length > maxLine) throw tooLong(maxLine);
    }
    if (!response.complete) throw new CutOff('the stream was cut off');
    if (length > 0) yield Buffer.concat(rest, length);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof CutOff ? error : new CutOff('the stream was cut off', { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    response.destroy();
  }
}

const newline = 0x0a;

function tooLong(limit: number): CutOff {
  return new Missed(`a line is longer than ${limit} bytes`);
}

import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export interface Screen {
  /** Whether a panel can be drawn over and over: a terminal, rather than a file or a pipe. */
  readonly live: boolean;
  /** Text in a style, or plain where colours are not wanted (`NO_COLOR`, no terminal). */
  paint(style: Style, text: string): string;
  /** Writes lines that stay, above the panel. */
  say(text?: string): void;
  /** Redraws the panel at the bottom; an empty one takes it away. Does nothing unless live. */
  panel(lines: readonly string[]): void;
  /** Takes the panel away and gives the cursor back. */
  close(): void;
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';

/** What a person watches. A terminal that went away is no error: the demo still has to clean up. */
export function createScreen(stream: WriteStream): Screen {
  const live = stream.isTTY === true && process.env.TERM !== 'dumb';
  const colours = live && !process.env.NO_COLOR;
  let drawn: readonly string[] = [];
  stream.on('error', () => {});

  const erase = () => (drawn.length ? `\x1b[${drawn.length}A\x1b[0J` : '');
  const draw = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
  return {
    live,
    paint: (style, text) => (colours ? styleText(style, text) : text),
    say(text = '') {
      stream.write(`${erase()}${text}\n${draw(drawn)}`);
    },
    panel(lines) {
      if (!live) return;
      const fitting = lines.slice(0, Math.max(0, stream.rows - 1));
      stream.write(`${hideCursor}${erase()}${draw(fitting)}`);
      drawn = fitting;
    },
    close() {
      if (live) stream.write(`${erase()}${showCursor}`);
      drawn = [];
    },
  };
}

/** Control characters, and those that turn the direction of what follows: a terminal would obey them. */
const obeyed = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** Text that others wrote, for a terminal: what a terminal obeys is shown as U+FFFD, but the ends of lines. */
export function printable(text: string): string {
  return text.replace(obeyed, (character) => (character === '\n' ? '\n' : '\ufffd'));
}

/** The same in one line. */
export function oneLine(text: string): string {
  return text.replace(obeyed, '\ufffd');
}

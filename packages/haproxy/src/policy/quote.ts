/**
 * A text as one word of HAProxy's file, whatever it holds: plain where that is safe, in strong quotes where
 * these take it as it is, else with each byte escaped (section 2.2 of HAProxy's configuration manual).
 */
export function quoted(text: string): string {
  if (/^[A-Za-z0-9_./:,=@+-]+$/.test(text)) return text;
  if (/^[^'\p{Cc}]+$/u.test(text)) return `'${text}'`;
  if (text === '') return "''";
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9_./:-]/.test(character)
        ? character
        : `\\x${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

/** The same where HAProxy reads a log format, in which `%` begins a variable. */
export const formatted = (text: string) =>
  text === '' ? '%[str()]' : quoted(text.replaceAll('%', '%%'));

/** A text as a regular expression that matches it alone. */
export const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** Milliseconds as HAProxy reads them and people like them. */
export const timeOf = (milliseconds: number) =>
  milliseconds % 1000 === 0
    ? `${milliseconds / 1000}s`
    : `${Math.max(1, Math.round(milliseconds))}ms`;

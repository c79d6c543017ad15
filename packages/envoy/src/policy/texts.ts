/** A text that Envoy puts in as it is: in a format a percent sign begins a command. */
export const literal = (text: string): string => text.replaceAll('%', '%%');

/** A text as a part of a regular expression (RE2). */
export const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

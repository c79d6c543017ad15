/**
 * What is to happen to a service's traffic, word by word: a word is a key, its value text, a number, a list
 * or a mapping of further words.
 */
export type Policy = Readonly<Record<string, unknown>>;

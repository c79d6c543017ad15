/** A part of the configuration as it was written. */
export type Mapping = Readonly<Record<string, unknown>>;

/** A mapping of the file, or an empty one where it has something else. */
export function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null ? (value as Mapping) : {};
}

/** The keys that have their defaults, as a line of text. */
export function defaultsText(
  intro: string,
  defaults: readonly (readonly [string, unknown])[],
  hidden: readonly string[],
): readonly string[] {
  const shown = defaults.filter(([key]) => !hidden.includes(key));
  const text = shown.map(([key, value]) => `${key} ${[value].flat().join(', ')}`).join(', ');
  return text === '' ? [] : [`${intro}${text}`];
}

/** A duration as people read it. */
export const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`;

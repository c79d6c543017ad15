/** How one key of the Ruby SmartStack's files is treated here. */
export interface OriginalKey {
  /** Its path, such as `services.<name>.checks[].ssl`. */
  readonly key: string;
  /** What it does here. */
  readonly here: string;
  /** What to use instead, as advice to the user. */
  readonly better?: string;
  /** Whether the advice applies to the key's value; always when absent. */
  readonly due?: (value: unknown) => boolean;
  /** Accepted, without effect. */
  readonly idle?: true;
}

/** Advice on one key; `places` are the paths at which the file has it. */
export interface Advice {
  readonly key: OriginalKey;
  readonly places: readonly string[];
}

/** Advice on a configuration's keys: what to use instead, and what has no effect. */
export function adviceFor(table: readonly OriginalKey[], written: unknown): readonly Advice[] {
  return table.flatMap((key) => {
    const { due = () => true } = key;
    const places = [...placesOf(written, stepsOf(key.key))]
      .filter(([, value]) => due(value))
      .map(([place]) => place);
    return places.length > 0 && (key.better !== undefined || key.idle) ? [{ key, places }] : [];
  });
}

/** Advice as people read it: a key, how often it stands there, and what to do. */
export function adviceText(advice: readonly Advice[]): string {
  const better = advice.filter(({ key }) => !key.idle).map(line);
  const idle = advice.filter(({ key }) => key.idle).map(line);
  return [
    ...(better.length > 0 ? ['', 'Better now:', ...better] : []),
    ...(idle.length > 0 ? ['', 'Without effect, and may go:', ...idle] : []),
  ].join('\n');
}

function line({ key: { here, better, idle }, places }: Advice): string {
  const [first = '', ...others] = places;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  return `  ${first}${more}: ${idle ? here : better}`;
}

const stepsOf = (path: string) => path.replaceAll('[]', '.[]').split('.');

function* placesOf(
  value: unknown,
  [step, ...rest]: readonly string[],
  place = '',
): Generator<readonly [place: string, value: unknown]> {
  if (step === undefined) {
    yield [place, value];
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, each] of Object.entries(value)) {
    const isList = Array.isArray(value);
    if (isList ? step !== '[]' : step !== '<name>' && step !== key) continue;
    yield* placesOf(
      each,
      rest,
      isList ? `${place}[${key}]` : place === '' ? key : `${place}.${key}`,
    );
  }
}

import type { Policy } from './words/policy.ts';

/** A word is a key, its value text, a number, a list or a mapping of further words. */
type Words = Readonly<Record<string, unknown>>;

/** Who may say a word, from the weakest to the strongest. */
export type PolicyOrigin = 'built-in' | 'defaults' | 'registry' | 'service';

/** What one of them says. */
export interface PolicyLayer {
  readonly origin: PolicyOrigin;
  readonly policy: Policy;
}

/** What counts, and who said each word of it. */
export interface MergedPolicy {
  readonly policy: Policy;
  /** By the word's path, such as `timeouts.connect`. */
  readonly origins: ReadonlyMap<string, PolicyOrigin>;
}

const strengthOfService: readonly PolicyOrigin[] = ['built-in', 'defaults', 'registry', 'service'];
const strengthOfRegistry: readonly PolicyOrigin[] = ['built-in', 'defaults', 'service', 'registry'];

/**
 * One policy of several: mappings are merged key by key, and of a list, a plain value or null the strongest
 * one counts whole. The layers may come in any order; one that leaves a word out says nothing of it.
 * `strongest` says whether the service's words or the registry's win.
 */
export function mergePolicy(
  layers: readonly PolicyLayer[],
  strongest: 'service' | 'registry' = 'service',
): MergedPolicy {
  const strength = strongest === 'registry' ? strengthOfRegistry : strengthOfService;
  const ordered = [...layers].sort(
    (one, other) => strength.indexOf(one.origin) - strength.indexOf(other.origin),
  );
  const origins = new Map<string, PolicyOrigin>();
  const policy = ordered.reduce<Words>(
    (merged, layer) => merge(merged, layer.policy, { origin: layer.origin, path: [], origins }),
    {},
  );
  // Words of one schema, merged key by key, are words of that schema.
  return { policy: policy as Policy, origins };
}

/** Who said a word, or the word that it is a part of; of a mapping, the strongest who said a part of it. */
export function originOf(
  { origins }: Pick<MergedPolicy, 'origins'>,
  path: readonly (string | number)[],
): PolicyOrigin | undefined {
  const own = path
    .map((_, index) => origins.get(path.slice(0, path.length - index).join('.')))
    .find((each) => each !== undefined);
  if (own !== undefined) return own;
  const below = [...origins].filter(([word]) => word.startsWith(`${path.join('.')}.`));
  return strengthOfService.findLast((each) => below.some(([, origin]) => origin === each));
}

/** Words whose mapping is one choice among several: the keys of two of them do not go together. */
const whole: ReadonlySet<string> = new Set(['balance', 'access_log']);

interface Merging {
  readonly origin: PolicyOrigin;
  readonly path: readonly string[];
  readonly origins: Map<string, PolicyOrigin>;
}

function merge(weaker: Words, stronger: Words, merging: Merging): Words {
  const words = new Map(Object.entries(weaker));
  for (const [key, value] of Object.entries(stronger)) {
    if (value === undefined) continue;
    const below = { ...merging, path: [...merging.path, key] };
    const before = words.get(key);
    if (isMapping(value) && !whole.has(key))
      words.set(key, merge(isMapping(before) ? before : {}, value, below));
    else words.set(key, value);
    note(value, below);
  }
  return Object.fromEntries(words);
}

/** A word that was a mapping, or becomes one, has no origins but those of what it is now. */
function note(value: unknown, { origin, path, origins }: Merging): void {
  const name = path.join('.');
  if (isMapping(value) && !whole.has(path.at(-1) ?? '')) {
    origins.delete(name);
    return;
  }
  for (const known of origins.keys()) if (known.startsWith(`${name}.`)) origins.delete(known);
  origins.set(name, origin);
}

function isMapping(value: unknown): value is Words {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

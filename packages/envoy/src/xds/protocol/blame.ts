/** Which resources of a response a client's reason for refusing it is about. */
export interface Blame {
  /** Those that the reason names as what it refuses, and what it says of each. */
  readonly certain: ReadonlyMap<string, string>;
  /** Those that it merely mentions: perhaps what a bad one refers to. */
  readonly mentioned: readonly string[];
}

/** So much of a reason is read, in characters. */
const longest = 16 * 1024;

/**
 * Reads the reason of a refusal. `sent` has the names in the response's order, `suspects` those of them that
 * the client did not have before. Envoy: `Error adding/updating cluster(s) web: …, api: …`; gRPC: `resource index 0: …`.
 */
export function blame(
  reason: string,
  sent: readonly string[],
  suspects: ReadonlySet<string>,
): Blame {
  const text = reason.slice(0, longest);
  const mentioned = [...suspects].filter((name) => mentions(text, name));
  const indexed = [...text.matchAll(/resource index (\d+)/g)]
    .map(({ 1: index, index: from }) => ({ name: sent[Number(index)] ?? '', from }))
    .filter(({ name }) => suspects.has(name));
  const listed = /^Error adding\/updating (?:cluster|listener)\(s\) /.test(text)
    ? mentioned.flatMap((name) => listedAt(text, name).map((from) => ({ name, from })))
    : [];
  const found = [...indexed, ...listed].sort((a, b) => a.from - b.from);
  const certain = new Map<string, string>();
  for (const [place, { name, from }] of found.entries())
    if (!certain.has(name)) certain.set(name, tidy(text.slice(from, found[place + 1]?.from)));
  return { certain, mentioned: mentioned.filter((name) => !certain.has(name)) };
}

/** One reason of several, without what separates it from the next. */
const tidy = (text: string) => text.trim().replace(/[,;]$/, '');

/** What is made of the refusal of a response. */
export interface Verdict {
  /** What is bad for sure, and why. */
  readonly bad: ReadonlyMap<string, string>;
  /** What may be good. */
  readonly rest: readonly string[];
  /** How the rest is tried again: one after the other; none where it goes with whatever is sent next. */
  readonly trials: readonly ReadonlySet<string>[];
}

/** What was refused. */
export interface Refused {
  readonly reason: string;
  /** The names in the response's order. */
  readonly order: readonly string[];
  /** What the client did not have before. */
  readonly changes: readonly string[];
  /** Whether nothing else was in it. */
  readonly isAll: boolean;
  readonly isTrial: boolean;
}

export function verdictOf({ reason, order, changes, isAll, isTrial }: Refused): Verdict {
  const [only] = changes;
  const { certain, mentioned } = blame(reason, order, new Set(changes));
  if (only !== undefined && changes.length === 1 && isAll)
    return { bad: new Map([[only, certain.get(only) ?? reason]]), rest: [], trials: [] };
  const rest = changes.filter((name) => !certain.has(name));
  if (certain.size > 0)
    return { bad: certain, rest, trials: isTrial && rest.length > 0 ? [new Set(rest)] : [] };
  return { bad: certain, rest, trials: rest.length > 1 ? trialsOf(rest, mentioned) : [] };
}

/** How refused resources are tried again, where it is not clear which of them are bad: groups, one after the other. */
function trialsOf(
  names: readonly string[],
  mentioned: readonly string[],
): readonly ReadonlySet<string>[] {
  if (mentioned.length > 0 && mentioned.length < names.length) {
    const rest = names.filter((name) => !mentioned.includes(name));
    return [new Set(rest), ...mentioned.map((name) => new Set([name]))];
  }
  const half = Math.ceil(names.length / 2);
  return [new Set(names.slice(0, half)), new Set(names.slice(half))];
}

const inName = /[\w\-/|=@]/;

/** Whether a text has a name that is no part of a longer one. */
function mentions(text: string, name: string): boolean {
  return placesOf(text, name).some((at) => {
    const after = text.slice(at + name.length, at + name.length + 2);
    return !inName.test(after.charAt(0)) && !/^\.\w/.test(after);
  });
}

/** Where it is one of a list's `name: reason`. */
function listedAt(text: string, name: string): readonly number[] {
  return placesOf(text, name)
    .filter((at) => text.startsWith(': ', at + name.length))
    .slice(0, 1);
}

/** Where a name begins in a text, or something that has it as its beginning. */
function placesOf(text: string, name: string): readonly number[] {
  const places: number[] = [];
  for (let at = text.indexOf(name); at >= 0 && name !== ''; at = text.indexOf(name, at + 1)) {
    if (at === 0 || !/[\w\-/|=@.]/.test(text.charAt(at - 1))) places.push(at);
  }
  return places;
}

import { isRecord, type KeyPath, type Source } from './source.ts';

/** Whether a service takes what `defaults` have under one of its keys; `own` is what it was written with. */
export type Inherits = (key: string, own: unknown, shared: unknown) => boolean;

/**
 * The source with its top-level `defaults` merged into each service. Mappings are merged key by key; a
 * service's own list or plain value wins, null too. A value from `defaults` is located there.
 */
export function inheritDefaults(source: Source, inherits: Inherits): Source {
  const { value } = source;
  if (!isRecord(value) || !isRecord(value.defaults) || !isRecord(value.services)) return source;
  const { defaults, services } = value;
  const merged = Object.entries(services).map(([name, own]) => [
    name,
    isRecord(own) ? inherited(own, defaults, inherits) : own,
  ]);
  const written = (path: KeyPath): KeyPath => {
    const [section, name, ...rest] = path;
    const isOwn = section !== 'services' || !Object.hasOwn(services, String(name));
    return isOwn || has(services[String(name)], rest) || !has(defaults, rest)
      ? path
      : ['defaults', ...rest];
  };
  return {
    ...source,
    value: { ...value, services: Object.fromEntries(merged) },
    locate: (path) => source.locate(written(path)),
    plainText: (path) => source.plainText(written(path)),
  };
}

function inherited(
  own: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
  inherits: Inherits,
): Readonly<Record<string, unknown>> {
  const shared = Object.entries(defaults).filter(([key, value]) =>
    inherits(key, Object.hasOwn(own, key) ? own[key] : undefined, value),
  );
  return merge(own, Object.fromEntries(shared));
}

function merge(
  own: Readonly<Record<string, unknown>>,
  shared: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const both = Object.entries(own).map(([key, value]) => {
    const other = Object.hasOwn(shared, key) ? shared[key] : undefined;
    return [key, isRecord(value) && isRecord(other) ? merge(value, other) : value];
  });
  return { ...shared, ...Object.fromEntries(both) };
}

/** Whether something was written at a path. */
function has(value: unknown, path: KeyPath): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return true;
  if (Array.isArray(value)) return Number(key) in value && has(value[Number(key)], rest);
  return isRecord(value) && Object.hasOwn(value, key) && has(value[String(key)], rest);
}

/** Drops the problems that services only inherit from `defaults`: one place, one problem. */
export function withoutInherited(problems: readonly string[]): readonly string[] {
  const places = new Set(problems.filter((each) => pathOf(each) === 'defaults').map(placeOf));
  return problems.filter((each) => pathOf(each) !== 'services' || !places.has(placeOf(each)));
}

const placeOf = (problem: string) => /^(.*?:\d+:\d+): /.exec(problem)?.[1] ?? problem;
const pathOf = (problem: string) => /^.*?:\d+:\d+: (\w+)/.exec(problem)?.[1];

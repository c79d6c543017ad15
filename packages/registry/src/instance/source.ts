import type { Instance } from './instance.ts';

/** Notes where an instance stands in its registry, such as `/services/web/web-1 at revision 42`, for `explain`. */
export function withSource<I extends Instance>(instance: I, source: string): I {
  sources.set(instance, source);
  return instance;
}

/** The registry's own record of an instance and its revision, in words; undefined for one that stands in no registry. */
export function sourceOf(instance: Instance): string | undefined {
  return sources.get(instance);
}

const sources = new WeakMap<Instance, string>();

import { type Instance, noteOddFields, oddFieldsOf } from './instance.ts';

/** Notes where an instance stands in its registry, such as `/services/web/web-1 at revision 42`, for `explain`. */
export function withSource<I extends Instance>(instance: I, source: string): I {
  sources.set(instance, source);
  return instance;
}

/** The registry's own record of an instance and its revision, in words; undefined for one that stands in no registry. */
export function sourceOf(instance: Instance): string | undefined {
  return sources.get(instance);
}

/** An instance with other fields, which stands where it stood. */
export function changed<I extends Instance>(instance: I, fields: Partial<I>): I {
  const copy = { ...instance, ...fields };
  noteOddFields(copy, oddFieldsOf(instance));
  const source = sourceOf(instance);
  return source === undefined ? copy : withSource(copy, source);
}

const sources = new WeakMap<Instance, string>();

import type { Instance } from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery } from '../discovery.ts';

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const label = z.string().min(1);

/**
 * One condition on a member's labels. `equals` and `not-equals` are the originals'; a member without the
 * label fulfils `not-equals` and `not-in`. `exists` takes `value: false` for its contrary.
 */
export const labelFilterSchema = z.discriminatedUnion('condition', [
  z.strictObject({ label, value: text, condition: z.literal('equals') }),
  z.strictObject({ label, value: text, condition: z.literal('not-equals') }),
  z.strictObject({ label, value: z.array(text).min(1), condition: z.literal('in') }),
  z.strictObject({ label, value: z.array(text).min(1), condition: z.literal('not-in') }),
  z.strictObject({ label, value: z.boolean().default(true), condition: z.literal('exists') }),
]);

export type LabelFilter = z.output<typeof labelFilterSchema>;

/** The keys that every discovery takes beside its own; the singular one is deprecated but accepted. */
export const labelFilterKeys = {
  label_filters: z.array(labelFilterSchema).optional(),
  label_filter: labelFilterSchema.optional(),
};

/** All filters of a discovery's configuration. */
export function filtersOf(config: {
  readonly label_filters?: readonly LabelFilter[] | undefined;
  readonly label_filter?: LabelFilter | undefined;
}): readonly LabelFilter[] {
  const { label_filter: deprecated, label_filters: filters = [] } = config;
  return deprecated ? [deprecated, ...filters] : filters;
}

/** The first filter that an instance does not fulfil, or undefined where it fulfils all. */
export function obstacleOf(
  { labels = {} }: Instance,
  filters: readonly LabelFilter[],
): LabelFilter | undefined {
  return filters.find(
    (filter) =>
      !fulfils(Object.hasOwn(labels, filter.label) ? labels[filter.label] : undefined, filter),
  );
}

/** The discovery without those members that a filter leaves out. */
export function withFilters(discovery: Discovery, filters: readonly LabelFilter[]): Discovery {
  if (filters.length === 0) return discovery;
  return async function* (signal) {
    for await (const instances of discovery(signal))
      yield instances.filter((instance) => obstacleOf(instance, filters) === undefined);
  };
}

function fulfils(value: string | undefined, filter: LabelFilter): boolean {
  switch (filter.condition) {
    case 'equals':
      return value === filter.value;
    case 'not-equals':
      return value !== filter.value;
    case 'in':
      return value !== undefined && filter.value.includes(value);
    case 'not-in':
      return value === undefined || !filter.value.includes(value);
    case 'exists':
      return (value !== undefined) === filter.value;
  }
}

import type { Instance } from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery } from '../discovery.ts';

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const label = z
  .string()
  .min(1)
  .meta({ description: 'the label that is looked at', examples: ['zone'] });
const one = text.meta({ description: 'its value', examples: ['a'] });
const some = z
  .array(text)
  .min(1)
  .meta({ description: 'its values', examples: [['a', 'b']] });

/**
 * One condition on a member's labels. `equals` and `not-equals` are the originals'; a member without the
 * label fulfils `not-equals` and `not-in`. `exists` takes `value: false` for its contrary.
 */
export const labelFilterSchema = z
  .discriminatedUnion('condition', [
    z
      .strictObject({ label, condition: z.literal('equals'), value: one })
      .meta({ description: 'the label has this value' }),
    z
      .strictObject({ label, condition: z.literal('not-equals'), value: one })
      .meta({ description: 'it has another, or is not there' }),
    z
      .strictObject({ label, condition: z.literal('in'), value: some })
      .meta({ description: 'it has one of these values' }),
    z
      .strictObject({ label, condition: z.literal('not-in'), value: some })
      .meta({ description: 'it has none of these, or is not there' }),
    z
      .strictObject({
        label,
        condition: z.literal('exists'),
        value: z.boolean().default(true).meta({ description: '`false`: it must not be there' }),
      })
      .meta({ description: 'the label is there' }),
  ])
  .meta({ id: 'label_filter' });

export type LabelFilter = z.output<typeof labelFilterSchema>;

/** The keys that every discovery takes beside its own; the singular one is deprecated but accepted. */
export const labelFilterKeys = {
  label_filters: z
    .array(labelFilterSchema)
    .optional()
    .meta({
      description:
        'conditions on members’ labels, all of which a member must fulfil. They come before `default_servers` and `use_previous_backends`',
      otherwise: 'none',
      examples: [[{ label: 'zone', condition: 'equals', value: 'a' }]],
    }),
  label_filter: labelFilterSchema.optional().meta({
    description: 'one more of them, as old files write it',
    examples: [{ label: 'zone', condition: 'equals', value: 'a' }],
    deprecated: true,
    leaf: true,
  }),
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

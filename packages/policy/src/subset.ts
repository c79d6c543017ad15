import type { Labelled } from './locality.ts';

/** Labels that all members of a subset have. */
export type Subset = Readonly<Record<string, string>>;

/** Whether a member's labels are those of a subset, with others beside them or not. */
export function isIn({ labels = {} }: Labelled, subset: Subset): boolean {
  return Object.entries(subset).every(
    ([label, value]) => Object.hasOwn(labels, label) && labels[label] === value,
  );
}

/** The same text for the same subset, whatever the order of its labels: `version=v2,zone=a`. */
export function subsetText(subset: Subset): string {
  return Object.entries(subset)
    .map(([label, value]) => `${escaped(label)}=${escaped(value)}`)
    .sort()
    .join(',');
}

const escaped = (text: string) => text.replace(/[\\,=]/g, '\\$&');

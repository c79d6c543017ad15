import { z } from 'zod';

const text = z.union([z.string().min(1), z.number(), z.boolean()]).transform(String);

/**
 * Which members are near, and when those further away serve: `from` names a label, `prefer` its values
 * from the nearest on, and members with another value, or none, are furthest away.
 */
export const localitySchema = z.strictObject({
  from: z
    .string()
    .regex(/^labels\..+$/, { error: 'expected a label, such as labels.zone' })
    .transform((from) => from.slice('labels.'.length))
    .meta({ description: 'the label that says where a member is', examples: ['labels.zone'] }),
  prefer: z.union([text.transform((one) => [one]), z.array(text).min(1)]).meta({
    description:
      'its values, from the nearest level on; who has another value or none is the last level',
    examples: [['a', 'b']],
  }),
  spill: z
    .union(
      [
        z.literal('down'),
        z
          .string()
          .regex(/^members\s*<\s*[1-9]\d{0,5}$/)
          .transform((rule) => Number(rule.slice(rule.indexOf('<') + 1))),
      ],
      { error: 'expected down, or a rule such as members<2' },
    )
    .prefault('members<1')
    .meta({
      description:
        'when farther members serve. `members<N`: the next level is served beside the nearer ones while these have fewer than N announced members. `down`: the proxy takes the nearest level in which it has a server that is up, by itself, with one backend for each level (`<name>`, `<name>.spill1`, …); let it check servers so that it can tell (`server_options: check …`), and give a `port`',
      examples: ['down'],
    }),
});

/** `from` is the label; `spill` the number of members that suffice, or `down`. */
export type Locality = z.output<typeof localitySchema>;

/** What is known of a member where only its labels count. */
export interface Labelled {
  readonly labels?: Readonly<Record<string, string>>;
}

/** How far away a member is: 0 for the nearest. */
export function levelOf({ labels = {} }: Labelled, { from, prefer }: Locality): number {
  const value = Object.hasOwn(labels, from) ? (labels[from] ?? '') : '';
  const level = prefer.indexOf(value);
  return level === -1 ? prefer.length : level;
}

/** The members by level, from the nearest; as many lists as there are levels. */
export function levelsOf<Member extends Labelled>(
  members: readonly Member[],
  locality: Locality,
): readonly (readonly Member[])[] {
  const levels: Member[][] = Array.from({ length: locality.prefer.length + 1 }, () => []);
  for (const member of members) levels[levelOf(member, locality)]?.push(member);
  return levels;
}

/** The members of the nearest levels that together have `enough`; all of them where they have not. */
export function nearest<Member extends Labelled>(
  members: readonly Member[],
  locality: Locality,
  enough: number,
): readonly Member[] {
  const near: Member[] = [];
  for (const level of levelsOf(members, locality)) {
    if (near.length >= enough) break;
    near.push(...level);
  }
  return near;
}

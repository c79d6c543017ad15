import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

/** A JSON Schema (draft 7, which editors know best) with our own annotations still in it. */
export type Node = Readonly<Partial<Keywords>>;

interface Keywords {
  readonly $ref: string;
  readonly type: string | readonly string[];
  readonly const: unknown;
  readonly enum: readonly unknown[];
  readonly properties: Readonly<Record<string, Node>>;
  readonly additionalProperties: Node | boolean;
  readonly items: Node;
  readonly anyOf: readonly Node[];
  readonly oneOf: readonly Node[];
  readonly definitions: Readonly<Record<string, Node>>;
  readonly minimum: number;
  readonly exclusiveMinimum: number;
  readonly maximum: number;
  readonly description: string;
  readonly default: unknown;
  readonly examples: readonly unknown[];
  /** Our own: what a number counts. */
  readonly unit: string;
  /** Our own: what holds where the key is absent, where that is no value. */
  readonly otherwise: string;
  /** Our own: what is below it is documented elsewhere. */
  readonly leaf: boolean;
  /** Our own: which of a daemon's modes the key belongs to. */
  readonly mode: string;
}

/**
 * The schema of what users may write, from a zod schema and the `.meta` of its keys: `description`,
 * `examples`, `unit`, `otherwise`, `leaf`, `mode`, and `written`, which replaces the type where more may be written
 * than zod can tell. Throws where a default is not as users would write it.
 */
export function annotatedSchemaOf(schema: z.ZodType): Node {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-07', override: complete }) as Node;
}

/** The schema that editors get: our own annotations become sentences of the descriptions. */
export function plainSchemaOf(annotated: Node): Node {
  return plain(annotated);
}

/** What a node is besides what it says. */
const typeKeywords = [
  'type',
  'anyOf',
  'oneOf',
  'allOf',
  'pattern',
  'format',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
] as const;

interface Override {
  readonly zodSchema: z.core.$ZodTypes;
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
}

function complete({ zodSchema, jsonSchema }: Override): void {
  const { written, id, ...said } = z.globalRegistry.get(zodSchema) ?? {};
  if (written !== undefined) {
    for (const keyword of typeKeywords) delete jsonSchema[keyword];
    Object.assign(jsonSchema, written);
  }
  delete jsonSchema.written;
  Object.assign(jsonSchema, said);
  if (id === undefined) delete jsonSchema.id;
  // zod has formats of its own, and its bounds of whole numbers say nothing.
  if (jsonSchema.format !== 'uri') delete jsonSchema.format;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  const absent = defaultOf(zodSchema);
  if (absent !== undefined && said.default === undefined)
    jsonSchema.default = absent.value as never;
  if (jsonSchema.default === null) delete jsonSchema.default;
  // What begins so is nobody's: remarks, and anchors of users' own.
  if (jsonSchema.additionalProperties === false) jsonSchema.patternProperties = { '^(_|x-)': {} };
}

/** What is taken for an absent value; zod leaves it out where something is transformed. */
function defaultOf(schema: z.core.$ZodTypes): { readonly value: unknown } | undefined {
  const { def } = schema._zod;
  if (def.type === 'prefault') return { value: def.defaultValue };
  if (def.type !== 'default') return undefined;
  const { defaultValue: value } = def;
  if (value === Number.POSITIVE_INFINITY) return undefined;
  const parsed = z.safeParse(def.innerType, value);
  if (parsed.success && isDeepStrictEqual(parsed.data, value)) return { value };
  throw new Error(
    `the default ${JSON.stringify(value)} is not what users write; give it as prefault`,
  );
}

function plain(node: Node): Node {
  const { unit, otherwise, leaf: _leaf, mode: _mode, description, ...rest } = withInnerNull(node);
  const said = [description, unitSentence(unit), absenceSentence(otherwise)];
  const sentences = said.filter((sentence) => sentence !== undefined);
  const entries = Object.entries(rest).map(([key, value]) => [key, plainKeyword(key, value)]);
  return {
    ...(sentences.length > 0 && { description: sentences.join('. ') }),
    ...Object.fromEntries(entries),
  };
}

/** A choice of something or null as one node: editors show what the chosen one says, and nothing around it. */
function withInnerNull(node: Node): Node {
  const { anyOf = [], ...outer } = node;
  const [some = {}, none = {}, ...others] = anyOf;
  if (none.type !== 'null' || others.length > 0) return node;
  if (some.anyOf) return { ...some, ...outer, anyOf: [...some.anyOf, none] };
  if (some.type === undefined || some.enum || some.const !== undefined) return node;
  return { ...some, ...outer, type: [...[some.type].flat(), 'null'] };
}

/** The key that chooses among mappings says what is chosen. */
function withSaidChoice(option: Node): Node {
  const { description, properties = {} } = option;
  const [name, choice] =
    Object.entries(properties).find(([, each]) => each.const !== undefined) ?? [];
  if (name === undefined || description === undefined) return option;
  return { ...option, properties: { ...properties, [name]: { description, ...choice } } };
}

function plainKeyword(keyword: string, value: unknown): unknown {
  switch (keyword) {
    case 'properties':
    case 'definitions':
      return Object.fromEntries(
        Object.entries(value as Record<string, Node>).map(([name, node]) => [
          name,
          plain(keyword === 'properties' ? node : withSaidChoice(node)),
        ]),
      );
    case 'oneOf':
      return (value as readonly Node[]).map((option) => plain(withSaidChoice(option)));
    case 'anyOf':
    case 'allOf':
      return (value as readonly Node[]).map(plain);
    case 'items':
    case 'additionalProperties':
      return typeof value === 'object' ? plain(value as Node) : value;
    default:
      return value;
  }
}

function unitSentence(unit: string | undefined): string | undefined {
  return unit === 'seconds' ? 'Seconds, or text such as 500ms, 2s, 1m' : undefined;
}

function absenceSentence(otherwise: string | undefined): string | undefined {
  if (otherwise === undefined) return undefined;
  return otherwise.startsWith('required') ? `R${otherwise.slice(1)}` : `Default: ${otherwise}`;
}

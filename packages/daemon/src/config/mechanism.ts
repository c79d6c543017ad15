import type { z } from 'zod';

/**
 * One plug point's entry: a name as users write it in YAML, the schema of its configuration, and a
 * factory. `create` starts nothing; the part that it returns does, and ends with its signal.
 */
export interface Mechanism<Part, Deps, Schema extends z.ZodType> {
  readonly type: string;
  readonly schema: Schema;
  create(config: z.output<Schema>, deps: Deps): Part;
}

import { z } from 'zod';

import type { Check, CheckDeps } from './check.ts';
import { http, https } from './http.ts';
import { tcp } from './tcp.ts';

/** Every kind of check there is: one line each. */
const table = [tcp, http, https] as const;

type Schema = (typeof table)[number]['schema'];

/** One entry of a service's `checks`. */
export const checkSchema = z.discriminatedUnion(
  'type',
  table.map(({ schema }) => schema) as unknown as readonly [Schema, ...Schema[]],
);

export type CheckConfig = z.output<typeof checkSchema>;

/** The check that a configuration asks for. */
export function createCheck(config: CheckConfig, deps: CheckDeps): Check {
  const mechanism = table.find(({ type }) => type === config.type);
  if (!mechanism) throw new Error(`no check of type ${config.type}`);
  // The entry was found by the type that discriminates the configuration.
  const create = mechanism.create as (config: CheckConfig, deps: CheckDeps) => Check;
  return create(config, deps);
}

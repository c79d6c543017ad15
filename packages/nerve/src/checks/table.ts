import { z } from 'zod';

import type { Check, CheckDeps, CheckMechanism } from './check.ts';
import { exec } from './exec.ts';
import { file } from './file.ts';
import { grpc } from './grpc.ts';
import { http, https } from './http.ts';
import { module } from './module.ts';
import { mysql } from './mysql.ts';
import { noop } from './noop.ts';
import { postgres } from './postgres.ts';
import { rabbitmq } from './rabbitmq.ts';
import { redis } from './redis.ts';
import { tcp } from './tcp.ts';
import { ttl } from './ttl.ts';

/** Every kind of check there is: one line each. */
const table = [
  tcp,
  http,
  https,
  redis,
  rabbitmq,
  postgres,
  mysql,
  grpc,
  exec,
  file,
  noop,
  ttl,
  module,
] as const;

type Schema = (typeof table)[number]['schema'];

/** One entry of a service's `checks`. */
export const checkSchema = z.discriminatedUnion(
  'type',
  table.map(({ schema }) => schema) as unknown as readonly [Schema, ...Schema[]],
);

export type CheckConfig = z.output<typeof checkSchema>;

/** Creates the configured check; rejects when a file or library that it needs is missing. */
export async function createCheck(config: CheckConfig, deps: CheckDeps): Promise<Check> {
  const mechanism = table.find(({ type }) => type === config.type);
  if (!mechanism) throw new Error(`no check of type ${config.type}`);
  // The types match: the entry was found by the configuration's type.
  const create = mechanism.create as CheckMechanism<typeof checkSchema>['create'];
  return create(config, deps);
}

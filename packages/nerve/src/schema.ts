import { registrySchema, zooKeeperSchema } from '@smartstack/registry';
import { z } from 'zod';

import { hostKey, portKey, spanFrom, wholeNumber } from './checks/check.ts';
import { checkSchema } from './checks/table.ts';
import { placeOf, reporterKeys, reporterProblems, reporterTypes } from './reporters/table.ts';

const serviceSchema = z.strictObject({
  /** The address that other machines reach the service at; also where it is checked. */
  host: hostKey,
  port: portKey,
  reporter_type: z.enum(reporterTypes).optional(),
  ...reporterKeys,
  /** How often each check starts. */
  check_interval: spanFrom(10).prefault(0.5),
  /** All must pass; a service without checks is announced for as long as nerve runs. */
  checks: z.array(checkSchema).default([]),
  weight: wholeNumber(0, 1_000_000).optional(),
  labels: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .optional(),
  haproxy_server_options: z
    .string()
    .max(4096)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'expected one line of server options' })
    .optional(),
});

/** nerve's configuration as it is written. */
export const configSchema = z
  .strictObject({
    /** This machine's name in the registry. */
    instance_id: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[\x21-\x2e\x30-\x7e]*$/, {
        error: 'expected ASCII text without spaces and slashes',
      }),
    zookeeper: zooKeeperSchema.optional(),
    registry: registrySchema.optional(),
    service_conf_dir: z.string().optional(),
    services: z.record(z.string(), serviceSchema),
  })
  .superRefine(
    (config, context) => {
      for (const [path, message] of incompleteServices(config))
        context.addIssue({ code: 'custom', path: [...path], message, input: undefined });
    },
    // Found beside what is wrong with single keys, not only once nothing is.
    { when: () => true },
  )
  .superRefine((config, context) => {
    for (const [path, message] of collisions(config))
      context.addIssue({ code: 'custom', path: [...path], message, input: undefined });
  });

export type ParsedConfig = z.output<typeof configSchema>;
export type ParsedService = ParsedConfig['services'][string];

type Problem = readonly [path: readonly string[], message: string];

/** Single keys may still be wrong here: nothing about their types is sure. */
function incompleteServices(config: ParsedConfig): readonly Problem[] {
  if (!isRecord(config) || !isRecord(config.services)) return [];
  return Object.entries(config.services)
    .filter(([, service]) => isRecord(service))
    .flatMap(([name, service]) =>
      Object.entries(reporterProblems(service, config)).map(
        ([key, message]): Problem => [['services', name, key], message],
      ),
    );
}

/** Two services that announce the same address at one place would hide each other. */
function collisions(config: ParsedConfig): readonly Problem[] {
  const owners = new Map<string, string>();
  return Object.entries(config.services).flatMap(([name, service]): readonly Problem[] => {
    const { address, path } = placeOf(name, service, config);
    const { host, port } = service;
    const key = JSON.stringify([address, path, host, port]);
    const owner = owners.get(key);
    if (owner === undefined) owners.set(key, name);
    const message = `services.${owner} announces ${host}:${port} at ${path} as well`;
    return owner === undefined ? [] : [[['services', name, 'port'], message]];
  });
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

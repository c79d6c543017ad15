import { ConfigError, isRecord, parseSource, validate } from '@smartstack/daemon';
import { type Policy, policySchema } from '@smartstack/policy';
import { z } from 'zod';

/**
 * What a registry says of a service's traffic: a policy, or why what stands there is none; no reasons where
 * nobody can tell whether it says something.
 */
export type RegistryPolicy = { readonly policy: Policy } | { readonly problems: readonly string[] };

/** What it is called beside the proxies' sections. */
export const policyKey = 'policy';

const schema = z.object({ [policyKey]: policySchema });

/**
 * The policy in a node's generator data; undefined where it says nothing of one. A log format of the proxy's own
 * language can print what else the proxy knows, and is taken only where the registry is trusted.
 */
export function parseRegistryPolicy(
  path: string,
  data: Buffer | undefined,
  isTrusted: boolean,
): RegistryPolicy | undefined {
  if (!data || data.length === 0) return undefined;
  const text = data.toString();
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || (value[policyKey] ?? undefined) === undefined) return undefined;
  } catch {
    return { problems: [] };
  }
  try {
    const source = parseSource(`zookeeper:${path}`, text);
    const own = (source.value as Readonly<Record<string, unknown>>)[policyKey];
    const { policy } = validate(schema, { ...source, value: { policy: own } }, { strict: true });
    if (isTrusted || typeof policy.access_log !== 'object') return { policy };
    const place = source.locate([policyKey, 'access_log', 'format']);
    return {
      problems: [
        `${place}: policy.access_log.format: not from the registry (trust_registry_config)`,
      ],
    };
  } catch (error) {
    if (error instanceof ConfigError) return { problems: error.problems };
    throw error;
  }
}

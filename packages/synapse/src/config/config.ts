import {
  ConfigError,
  formatPath,
  inheritDefaults,
  isRecord,
  problemsAt,
  type ReadServiceFile,
  readSourceWithServices,
  type Source,
  type ValidateOptions,
  validate,
  withoutInherited,
} from '@smartstack/daemon';
import type { Problem } from '@smartstack/proxy';
import { etcdProblems, sessionProblems } from '@smartstack/registry';
import type { z } from 'zod';
import { regionOf } from '../discovery/aws.ts';
import { partsOf } from '../discovery/table.ts';
import { allProxies, isProxy, sectionOf } from '../proxies.ts';
import { conflicts } from './conflicts.ts';
import { neutralProblems, unusedSections } from './neutral-problems.ts';
import { withNeutralKeys } from './policy.ts';
import { policyWarnings } from './policy-problems.ts';
import { readConfigFile } from './read-config-file.ts';
import { configKeys, type ProxyVersions, readKeys, type SynapseConfig } from './schema.ts';

/** synapse's configuration as it is written. */
export const configSchema = configKeys;

/** The same as it is read. */
const readSchema = (versions: ProxyVersions) =>
  readKeys
    .superRefine(without(neutralProblems))
    .transform((config): SynapseConfig => ({ ...withNeutralKeys(config), versions }))
    .superRefine(without(conflicts));

/** The versions of the proxies that a file names. */
async function versionsOf({ value }: Source): Promise<ProxyVersions> {
  const all = await Promise.all(
    allProxies.map(async ({ name, config }) => {
      const version = await config.versionOf(isRecord(value) ? value[name] : undefined);
      return version === undefined ? [] : [[name, version] as const];
    }),
  );
  return new Map(all.flat());
}

/** Refuses a configuration in which these problems are found. */
function without(find: (config: SynapseConfig) => readonly Problem[]) {
  return (config: SynapseConfig, context: z.RefinementCtx) => {
    for (const [path, message] of find(config))
      context.addIssue({ code: 'custom', path: [...path], message });
  };
}

export type { ServiceConfig, SynapseConfig } from './schema.ts';

/** A valid configuration and where its parts were written. */
export interface LoadedConfig {
  readonly config: SynapseConfig;
  readonly source: Source;
  /** What else there is to say of it. */
  readonly warnings: readonly string[];
}

export interface LoadOptions extends Pick<ValidateOptions, 'strict'> {
  /** Reads the services' files another way. */
  readonly readService?: ReadServiceFile;
}

/** Reads synapse's file and its `service_conf_dir`; throws a `ConfigError` that lists every problem. */
export async function loadConfig(
  file: string,
  { readService, strict }: LoadOptions = {},
): Promise<LoadedConfig> {
  const written = await readSourceWithServices(file, readConfigFile, readService);
  const source = inheritDefaults(written, inherits);
  const warnings = [...source.warnings];
  const warn = (warning: string) => void warnings.push(warning);
  try {
    const config = validate(readSchema(await versionsOf(source)), source, { strict, warn });
    const problems = await sessionProblems(config.zookeeper);
    if (problems.length > 0) throw problemsAt(source, 'zookeeper', problems);
    const ofEtcd = await etcdProblems(config.etcd);
    if (ofEtcd.length > 0) throw problemsAt(source, 'etcd', ofEtcd);
    for (const path of withoutRegion(config))
      warn(`${source.locate(path)}: ${formatPath(path)}: ${noRegion}`);
    for (const [path, message] of [
      ...policyWarnings(config),
      ...unusedSections(config, source.value),
    ])
      warn(`${source.locate(path)}: ${formatPath(path)}: ${message}`);
    for (const { name, config: proxy } of allProxies)
      warnings.push(...proxy.warnings(sectionOf(config, name), source));
    return { config, source, warnings: withoutInherited(warnings) };
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(withoutInherited(error.problems)) : error;
  }
}

const noRegion =
  'no aws_region, and neither AWS_REGION nor AWS_DEFAULT_REGION is set: EC2 cannot be asked unless a profile names a region; set aws_region';

/** The discoveries by tag that nothing here tells the region of. */
function withoutRegion({ services }: SynapseConfig): readonly (readonly string[])[] {
  return Object.entries(services).flatMap(([name, { discovery }]) =>
    partsOf(discovery).flatMap(([below, part]) =>
      part.method === 'ec2tag' && regionOf(part.aws_region) === undefined
        ? [['services', name, 'discovery', ...below]]
        : [],
    ),
  );
}

/** A section that makes a service be proxied is not made of defaults alone, nor a discovery of two methods. */
function inherits(key: string, own: unknown, shared: unknown): boolean {
  if (isProxy(key)) return own !== undefined;
  // It is merged below what the registry says, and that below the service's own.
  if (key === 'policy') return false;
  const method = (discovery: unknown) => (discovery as { method?: unknown } | undefined)?.method;
  return key !== 'discovery' || [undefined, method(shared)].includes(method(own) as undefined);
}

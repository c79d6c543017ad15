import {
  duration,
  readSourceWithServices,
  type Source,
  statusAddress,
  validate,
} from '@smartstack/daemon';
import { type Instance, isHost, registrySchema, zooKeeperSchema } from '@smartstack/registry';
import { z } from 'zod';
import { shrinkGuardSchema } from './discovery/policies/shrink-guard.ts';
import {
  type DiscoveryConfig,
  discoveryMultiSchema,
  discoverySchema,
  partsOf,
  problemOf,
  type SingleDiscovery,
} from './discovery/table.ts';
import { fileOutputSchema } from './proxies/file-output.ts';
import { haproxySchema, haproxyServiceSchema } from './proxies/haproxy/config/config.ts';

/** The originals also took a port as text. */
const port = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number),
  ])
  .pipe(z.int().min(1).max(65_535));

const defaultServer = z
  .strictObject({
    name: z.string().optional(),
    host: z.string().refine(isHost, { error: 'expected a host name or an address' }),
    port,
    weight: z.int().min(0).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    haproxy_server_options: z.string().optional(),
  })
  .transform(({ haproxy_server_options: options, ...server }) =>
    withoutUndefined({ ...server, haproxyServerOptions: options }),
  );

const serviceSchema = z
  .strictObject({
    discovery: discoverySchema,
    /** More watchers beside `discovery`, which is their `primary`. */
    discovery_multi: discoveryMultiSchema.optional(),
    default_servers: z.array(defaultServer).default([]),
    keep_default_servers: z.boolean().default(false),
    use_previous_backends: z.boolean().default(true),
    backend_port_override: port.optional(),
    shrink_guard: z.union([z.literal(false), shrinkGuardSchema]).optional(),
    leader_election: z.boolean().default(false),
    /** Follows the service this many times over, as `<name>_0` and on: for load tests of the registry. */
    load_test_concurrency: z.int().min(1).max(10_000).optional(),
    haproxy: haproxyServiceSchema.optional(),
  })
  .transform(({ discovery_multi: more, ...service }) => ({
    ...service,
    discovery: more ? withPrimary(more, service.discovery) : service.discovery,
  }));

const schema = z
  .strictObject({
    services: z.record(z.string(), serviceSchema),
    service_conf_dir: z.string().optional(),
    zookeeper: zooKeeperSchema.optional(),
    registry: registrySchema.optional(),
    /** How long a start waits for services that were not heard yet before the rest is served. */
    startup_timeout: duration.default(3000),
    /** Where synapse tells about itself: `/health /ready /metrics /status`. */
    status_address: statusAddress.default({ host: '127.0.0.1', port: 9102 }),
    haproxy: haproxySchema.optional(),
    file_output: fileOutputSchema.optional(),
    /** Taken from the originals' files, without effect: `/metrics` has them all. */
    statsd: z
      .strictObject({
        host: z.string().optional(),
        port: port.optional(),
        sample_rate: z.record(z.string(), z.number()).optional(),
      })
      .optional(),
    shrink_guard: z.union([z.literal(false), shrinkGuardSchema]).prefault({}),
    /** Where what was served is kept for a start without a registry; systemd's state folder when absent. */
    snapshot_file: z.union([z.literal(false), z.string().startsWith('/')]).optional(),
  })
  .superRefine((config, context) => {
    for (const [path, message] of [...discoveryProblems(config), ...portProblems(config)])
      context.addIssue({ code: 'custom', path: [...path], message });
  });

export type SynapseConfig = z.output<typeof schema>;
export type ServiceConfig = SynapseConfig['services'][string];

/** A valid configuration and where its parts were written. */
export interface LoadedConfig {
  readonly config: SynapseConfig;
  readonly source: Source;
}

/**
 * Reads synapse's file and its `service_conf_dir`, whose files `read` may read another way; throws a
 * `ConfigError` that lists every problem.
 */
export async function loadConfig(
  file: string,
  read?: (file: string) => Promise<Source | undefined>,
): Promise<LoadedConfig> {
  const source = await readSourceWithServices(file, read);
  return { config: validate(schema, source), source };
}

type Problem = readonly [path: readonly string[], message: string];
type Unchecked = z.output<typeof schema>;

function discoveryProblems({ services, zookeeper, registry }: Unchecked): readonly Problem[] {
  return Object.entries(services).flatMap(([name, service]): readonly Problem[] => {
    const path = ['services', name, 'discovery'];
    const whole = problemOf(service.discovery);
    const port = service.backend_port_override ?? service.haproxy?.server_port_override;
    const parts = partsOf(service.discovery).flatMap(([below, part]): readonly Problem[] => {
      const problem = partProblem(part, {
        zookeeper: zookeeper !== undefined,
        registry: registry !== undefined,
        port: port !== undefined,
      });
      return problem === undefined ? [] : [[[...path, ...below], problem]];
    });
    return whole === undefined ? parts : [[path, whole], ...parts];
  });
}

type Given = Readonly<Record<'zookeeper' | 'registry' | 'port', boolean>>;

/** What a discovery lacks, given what the rest of the configuration gives. */
function partProblem(part: SingleDiscovery, given: Given): string | undefined {
  const noPort = 'nobody says which port members listen on; give backend_port_override';
  switch (part.method) {
    case 'zookeeper':
    case 'zookeeper_poll':
    case 'zookeeper_dns':
    case 'zookeeper_dns_poll':
      return part.hosts || given.zookeeper
        ? undefined
        : 'no ZooKeeper to ask; give hosts here or zookeeper.hosts for all services';
    case 'file':
      return part.directory || given.registry
        ? undefined
        : 'no folder to read; give directory here or registry.directory for all services';
    case 'dns':
      return given.port || part.servers.every(({ port, host }) => port || host.startsWith('_'))
        ? undefined
        : noPort;
    case 'ec2tag':
      return given.port ? undefined : noPort;
    case 'base':
    case 'docker':
    case 'marathon':
      return undefined;
  }
}

function withPrimary(
  { watchers, ...more }: z.output<typeof discoveryMultiSchema>,
  discovery: DiscoveryConfig,
): DiscoveryConfig {
  if (discovery.method === 'multi') return discovery;
  return { ...more, watchers: { ...watchers, primary: discovery } };
}

function portProblems({ services, haproxy }: Unchecked): readonly Problem[] {
  const taken = new Map<number, { readonly name: string; readonly address: string }[]>();
  return Object.entries(services).flatMap(([name, service]): readonly Problem[] => {
    const { port, bind_address: own, disabled } = service.haproxy ?? {};
    if (port === undefined || port === null || disabled) return [];
    const address = own ?? haproxy?.bind_address ?? 'localhost';
    const others = taken.get(port) ?? [];
    taken.set(port, [...others, { name, address }]);
    const other = others.find((each) => overlap(each.address, address));
    if (!other) return [];
    const message = `${port} on ${address} is taken by services.${other.name}`;
    return [[['services', name, 'haproxy', 'port'], message]];
  });
}

function overlap(a: string, b: string): boolean {
  const [first, second] = [normal(a), normal(b)];
  return first === second || first === '*' || second === '*';
}

function normal(address: string): string {
  if (['*', '0.0.0.0', '::', ''].includes(address)) return '*';
  return address === 'localhost' ? '127.0.0.1' : address;
}

function withoutUndefined(values: { [K in keyof Instance]: Instance[K] | undefined }): Instance {
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as unknown as Instance;
}

import {
  duration,
  filePath,
  portKey as port,
  schemaKey,
  serviceConfDir,
  statusAddress,
} from '@smartstack/daemon';
import { localitySchema } from '@smartstack/policy';
import {
  consulSchema,
  etcdSchema,
  isHost,
  kubernetesSchema,
  registrySchema,
  zooKeeperSchema,
} from '@smartstack/registry';
import { z } from 'zod';
import { shrinkGuardSchema } from '../discovery/policies/shrink-guard.ts';
import { type DiscoveryConfig, discoveryMultiSchema, discoverySchema } from '../discovery/table.ts';
import { fileOutputSchema, fileOutputServiceSchema } from '../outputs/file-output.ts';
import { allProxies, defaultProxy, proxyKeys, sectionOf } from '../proxies.ts';
import { defaultServer } from './default-server.ts';
import { neutralKeys, proxyName } from './neutral-keys.ts';

const serviceObject = z.strictObject({
  discovery: discoverySchema.meta({
    description: 'how its members are found',
    examples: [{ method: 'zookeeper', path: '/services/web' }],
  }),
  discovery_multi: discoveryMultiSchema.optional().meta({
    description:
      '`{watchers, resolver}` beside `discovery`, as in the originals: a `multi` whose watcher `primary` is the `discovery`. A toggle that was never read serves `primary`',
    examples: [
      {
        watchers: { old: { method: 'zookeeper', path: '/old/web' } },
        resolver: { method: 'union' },
      },
    ],
    leaf: true,
  }),
  default_servers: z
    .array(defaultServer)
    .default([])
    .meta({
      description: 'served when no member is announced',
      examples: [[{ name: 'spare-1', host: '10.0.0.9', port: 3000 }]],
    }),
  keep_default_servers: z
    .boolean()
    .default(false)
    .meta({ description: 'serves them beside those announced' }),
  use_previous_backends: z.boolean().default(true).meta({
    description: 'keeps the last members when none is left and there are no default servers',
  }),
  backend_port_override: port.optional().meta({
    description: 'this port for every discovered member, whatever was announced',
    examples: [8080],
  }),
  leader_election: z.boolean().default(false).meta({
    description:
      'serves only the member that announced itself first (the lowest ZooKeeper sequence number or etcd creation revision), and goes on with it while its record stands. Where one member has no such number, nobody is served',
  }),
  shrink_guard: z
    .union([z.literal(false), shrinkGuardSchema])
    .optional()
    .meta({
      description: 'as at the top level, for this service',
      otherwise: 'the top level’s',
      examples: [false],
      leaf: true,
    }),
  locality: localitySchema.optional().meta({
    description: 'keeps traffic near. `default_servers` belong to a level with `spill: down` only',
    otherwise: 'everybody is as near',
    examples: [{ from: 'labels.zone', prefer: ['a', 'b'], spill: 'down' }],
  }),
  load_test_concurrency: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .meta({
      description:
        'follows the service so many times, as `<name>_0` and on, to load a registry; only the first has the `port`',
      otherwise: 'once, under its own name',
      examples: [100],
    }),
  file_output: fileOutputServiceSchema.optional(),
  ...neutralKeys,
  ...proxyKeys('service'),
});

/** One service as it is written. */
export const serviceSchema = serviceObject.transform((whole) => {
  const { discovery_multi: more, ...service } = withPortOverride(whole);
  return {
    ...service,
    discovery: more ? withPrimary(more, service.discovery) : service.discovery,
  };
});

/** What services may be spared to say; it need not be whole. */
const defaultsSchema = serviceObject
  .omit({ discovery_multi: true, load_test_concurrency: true })
  .partial()
  .extend({ discovery: z.record(z.string(), z.unknown()).optional() });

/** synapse's configuration as it is written, key by key; what keys say together is not looked at. */
export const configKeys = z
  .strictObject({
    $schema: schemaKey('synapse'),
    services: z.record(z.string(), serviceSchema).meta({
      description: 'what is used here, by name',
      otherwise: 'required, or `service_conf_dir`',
      examples: [{ web: { discovery: { method: 'zookeeper', path: '/services/web' } } }],
    }),
    service_conf_dir: serviceConfDir,
    defaults: defaultsSchema.optional().meta({
      description: `keys of a service, for every service (of \`service_conf_dir\`, too) that was written without them. Mappings are merged key by key; a list, a plain value or \`null\` is the service’s own where it has one. A proxy’s section, such as \`${defaultProxy.name}\`, is for services that have one, \`discovery\` for those of the same \`method\` or of none. Editors that know the JSON Schema still ask a service for what it needs`,
      examples: [{ discovery: { method: 'zookeeper' }, ...defaultProxy.config.example }],
      leaf: true,
    }),
    zookeeper: zooKeeperSchema.optional(),
    etcd: etcdSchema.optional(),
    consul: consulSchema.optional(),
    registry: registrySchema.optional(),
    kubernetes: kubernetesSchema.optional(),
    proxy: proxyName.prefault(defaultProxy.name).meta({
      description: 'which proxy serves services that do not name one',
      examples: [allProxies.at(-1)?.name],
    }),
    policy_unsupported: z
      .enum(['error', 'warn'])
      .default('error')
      .meta({
        description:
          'what a word of `policy` is that the proxy of its service cannot do: `warn` ignores it and says so, for a migration',
        examples: ['warn'],
      }),
    startup_timeout: duration.prefault(3).meta({
      description:
        'how long a start waits for discoveries that have not answered yet before the other services are served',
      examples: ['10s'],
    }),
    status_address: statusAddress.prefault('127.0.0.1:9102').meta({
      description:
        'where the page (`/`), `/health`, `/ready`, `/metrics`, `/status` and `/v1` are served, or `false` for nowhere',
      examples: [false],
    }),
    shrink_guard: z
      .union([z.literal(false), shrinkGuardSchema])
      .prefault({})
      .meta({
        description:
          'a sudden loss of members is held back while the registry was in trouble within the last minute: they are served beside the others, or until they are back, or `synapse accept`ed. `false`: never held back. Also per service',
        otherwise: 'on, as below',
        examples: [false],
      }),
    snapshot_file: z
      .union([z.literal(false), filePath.startsWith('/')])
      .optional()
      .meta({
        description:
          'where what was served is kept, so that a start without a registry serves at once, marked stale. A damaged file is set aside as `.bad`. `false`: nowhere',
        otherwise: '`$STATE_DIRECTORY/snapshot.json` where systemd gives that folder, else none',
        examples: ['/var/lib/synapse/snapshot.json'],
      }),
    file_output: fileOutputSchema.optional(),
    statsd: z
      .strictObject({
        host: z
          .string()
          .refine(isHost, { error: 'expected a host name or an address' })
          .default('localhost'),
        port: port.default(8125),
        sample_rate: z.record(z.string(), z.number().min(0).max(1)).optional(),
      })
      .optional()
      .meta({
        description:
          '`{host: localhost, port: 8125, sample_rate: {<name>: 0.1}}`: where counters are sent over UDP, in the originals’ names and with their tags: `synapse.start`, `synapse.stop`, `synapse.watcher.start`, `.stop`, `.ping.count`, `.zk.discovery` and `.zookeeper_poll.discover`, `synapse.config.update` and `.update_failed`. `/metrics` has more',
        examples: [{ host: 'localhost', port: 8125 }],
        leaf: true,
      }),
    ...proxyKeys('written'),
  })
  .meta({ required: [], anyOf: [{ required: ['services'] }, { required: ['service_conf_dir'] }] });

/** A port for every member that stands in a proxy's section is the old name of `backend_port_override`, which wins over it. */
function withPortOverride<S extends z.output<typeof serviceObject>>(service: S): S {
  const taken = allProxies.flatMap(({ name, config }) => {
    const section = sectionOf(service, name);
    const { port, own } = config.takePort(section ?? {});
    return section && port !== undefined ? [{ name, port, own }] : [];
  });
  const [first] = taken;
  if (!first) return service;
  return {
    ...service,
    ...Object.fromEntries(taken.map(({ name, own }) => [name, own])),
    backend_port_override: service.backend_port_override ?? first.port,
  };
}

/** The same as they are read. */
export const readKeys = configKeys.extend(proxyKeys('read'));

/** Which version of each proxy would serve, by the proxy's name; one that is not known is absent. */
export type ProxyVersions = ReadonlyMap<string, string>;

export type SynapseConfig = z.output<typeof readKeys> & {
  /** Absent until it is read whole. */
  readonly versions?: ProxyVersions;
};
export type ServiceConfig = SynapseConfig['services'][string];

function withPrimary(
  { watchers, ...more }: z.output<typeof discoveryMultiSchema>,
  discovery: DiscoveryConfig,
): DiscoveryConfig {
  if (discovery.method === 'multi') return discovery;
  return { ...more, watchers: { ...watchers, primary: discovery } };
}

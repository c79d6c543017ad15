import { duration, filePath } from '@smartstack/daemon';
import { z } from 'zod';

import { managedKeys } from './managed-keys.ts';
import { fileMode, flag, loopbackAddress } from './values.ts';

export { type EnvoyService, envoyServiceSchema } from './service-section.ts';

const xds = z.strictObject({
  socket: z
    .union([z.literal(false), filePath])
    .optional()
    .meta({
      description:
        'the UNIX socket at which Envoy is served (ADS, delta or state of the world). `false`: none',
      otherwise: '`xds.sock` in `run_directory`',
      examples: ['/run/synapse/xds.sock'],
    }),
  mode: fileMode.prefault('0600').meta({
    description: 'the mode of that socket: who may connect learns every member',
    examples: ['0660'],
  }),
  address: loopbackAddress.optional().meta({
    description: 'the same for gRPC applications of this machine, at a loopback address',
    otherwise: 'none',
    examples: ['127.0.0.1:18000'],
  }),
});

/** The top-level `envoy` section; times are milliseconds once parsed. */
export const envoySchema = z.strictObject({
  managed: flag(true).meta({
    description:
      'synapse runs Envoy. `false`: somebody else does, and its bootstrap points at `xds.socket`',
  }),
  run_directory: filePath.optional().meta({
    description: 'its bootstrap file, sockets and logs',
    otherwise:
      'systemd’s `$RUNTIME_DIRECTORY`, else `/run/synapse`; for a user `$XDG_RUNTIME_DIR/synapse`',
    examples: ['/srv/synapse/run'],
  }),
  bind_address: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .meta({
      description:
        'the address that apps connect to, where a service does not say another: an IP address, since Envoy looks up no names for it',
      examples: ['0.0.0.0'],
    }),
  drain_timeout: duration.prefault(10).meta({
    description:
      'how long a leaving member may finish its requests: Envoy has it as draining, and sends it no new ones',
    examples: ['1m'],
  }),
  xds: xds.prefault({}).meta({
    description: 'where synapse tells Envoy and gRPC applications of services',
    otherwise: 'a socket in `run_directory`',
    examples: [{ address: '127.0.0.1:18000' }],
  }),
  files: filePath.optional().meta({
    description:
      'a folder with clusters and endpoints as files (`path_config_source`), for an Envoy that somebody else configures',
    otherwise: 'none',
    examples: ['/run/synapse/envoy'],
  }),
  admin: z
    .string()
    .regex(/^(\/.+|.+:\d{1,5})$/, { error: 'expected the path of a socket, or host:port' })
    .optional()
    .meta({
      description:
        'Envoy’s administration interface: the path of a UNIX socket, or a loopback address. Whoever reaches it can end Envoy',
      otherwise:
        '`envoy-admin.sock` in `run_directory`; with `managed: false` none, and what Envoy counts is not known',
      examples: ['127.0.0.1:9901'],
    }),
  access_log: filePath.optional().meta({
    description: 'the file of the lines that `access_log` of a `policy` asks for',
    otherwise: 'Envoy’s own output, which is `envoy.log` in `run_directory`',
    examples: ['/var/log/envoy/access.log'],
  }),
  audit_interval: duration.prefault(30).meta({
    description: 'how often everything is compared with what Envoy has',
    examples: ['1m'],
  }),
  ...managedKeys,
});

export type EnvoyConfig = z.output<typeof envoySchema>;

/** Whether synapse runs Envoy itself. */
export const isManaged = ({ managed }: Pick<EnvoyConfig, 'managed'>): boolean => managed;

/** Whether synapse's Envoy is started, and started again, by a service manager. */
export const isSupervised = ({ managed, supervised }: EnvoyConfig): boolean =>
  managed && supervised;

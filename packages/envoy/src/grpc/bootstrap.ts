import { hostname } from 'node:os';
import { UserError } from '@smartstack/daemon';
import type { ClientFile, ConfiguredService } from '@smartstack/proxy';

import type { EnvoyConfig, EnvoyService } from '../config/config.ts';
import { placeText } from '../config/explain.ts';
import { isOff } from '../config/section.ts';
import { xdsSocketOf } from '../process/paths.ts';
import { grpcNotes } from './gaps.ts';

type Services = ReadonlyMap<string, ConfiguredService<EnvoyService>>;

/** The file that `GRPC_XDS_BOOTSTRAP` names: by it gRPC applications find synapse. */
export const grpcBootstrap: ClientFile<EnvoyConfig, EnvoyService> = {
  command: 'grpc-bootstrap',
  summary: 'print the bootstrap file of gRPC applications',
  description:
    'Print the file by which gRPC applications call services without a proxy\n(xds:///NAME): their GRPC_XDS_BOOTSTRAP names it.',
  of: (config, { services, only, isSocket }) => {
    const called = calledIn(services, only);
    const file = {
      xds_servers: [
        {
          server_uri: serverOf(config, isSocket),
          channel_creds: [{ type: 'insecure' }],
          server_features: ['xds_v3'],
        },
      ],
      node: {
        id: only === undefined ? hostname() : `${hostname()}/${only}`,
        cluster: 'smartstack',
        locality: localityOf(called),
      },
    };
    return {
      text: `${JSON.stringify(file, undefined, 2)}\n`,
      notes: [
        ...[...called].flatMap(([name, service]) =>
          grpcNotes(service).map(({ word, why }) => `${name}: ${word}: ${why}`),
        ),
        registryNote,
      ],
    };
  },
};

/** The registry is not asked for a file that also is written while it cannot be reached. */
const registryNote =
  'policies in the registry are not read here; synapse policy show NAME lists what clients do of theirs, too';

/** The services that applications call by it. */
function calledIn(services: Services, only: string | undefined): Services {
  const called = [...services].filter(
    ([name, { protocol, own }]) =>
      protocol === 'grpc' && !own?.disabled && (only === undefined || name === only),
  );
  if (called.length > 0) return new Map(called);
  if (only === undefined)
    throw new UserError('there is no service for gRPC applications: none has protocol: grpc');
  throw new UserError(
    services.get(only)?.own?.disabled
      ? `gRPC applications cannot call ${only}: envoy.disabled is true`
      : `gRPC applications cannot call ${only}: it is ${services.get(only)?.protocol}; give it protocol: grpc`,
  );
}

/** Where they ask, as gRPC writes it. */
function serverOf(config: EnvoyConfig | undefined, isSocket: boolean): string {
  if (!config || isOff(config))
    throw new UserError(
      'gRPC applications cannot ask synapse: there is no envoy section; give it envoy: {xds: {address: 127.0.0.1:18000}}',
    );
  if (isSocket) {
    const socket = xdsSocketOf(config);
    if (socket !== undefined) return `unix:${socket}`;
    throw new UserError(
      'gRPC applications cannot ask synapse at a socket: envoy.xds.socket is false',
    );
  }
  const { address } = config.xds;
  if (address) return placeText({ address: address.host, port: address.port });
  throw new UserError(
    'gRPC applications cannot ask synapse: envoy.xds.address is not set; set it, such as to 127.0.0.1:18000, or use --socket for those that may open envoy.xds.socket',
  );
}

/** Where this machine is, if all services that say so agree: the nearest value is its own. Node's client asks for it even if empty. */
function localityOf(services: Services) {
  const zones = new Set(
    [...services.values()].flatMap(({ locality }) => locality?.prefer[0] ?? []),
  );
  const [zone] = zones;
  return zones.size === 1 ? { zone } : {};
}

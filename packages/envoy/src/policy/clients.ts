import { create } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import type { Policy, Route } from '@smartstack/policy';

import { ConfigSchema } from '../proto/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb.ts';

/** The name of the filter that reads what tells clients apart, for the one that limits them. */
export const clientFilter = 'envoy.filters.http.header_to_metadata';

/** Where it notes that. */
export const clientNote = { namespace: 'synapse.client', key: 'client' } as const;

/** Whether a route needs it. */
export const needsClients = ({ routes = [] }: Policy): boolean =>
  routes.some((route) => readAs(route) !== undefined);

/** What of a request a route's limit is by; undefined where nothing has to be read for that. */
export function clientReaderOf(route: Route): Any | undefined {
  const read = readAs(route);
  if (read === undefined) return undefined;
  const { namespace: metadataNamespace, key } = clientNote;
  const rule = {
    ...read,
    onHeaderPresent: { metadataNamespace, key },
    // Requests without it are one client's.
    onHeaderMissing: { metadataNamespace, key, value: '-' },
  };
  return anyPack(ConfigSchema, create(ConfigSchema, { requestRules: [rule] }));
}

function readAs({ rate_limit: limit }: Route) {
  const by = limit?.by;
  return typeof by === 'object' ? by : undefined;
}

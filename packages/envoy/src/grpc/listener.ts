import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import type { Policy } from '@smartstack/policy';

import { faultFilter } from '../policy/faults.ts';
import { filterOf } from '../policy/filter.ts';
import { type Listener, ListenerSchema } from '../proto/envoy/config/listener/v3/listener_pb.ts';
import { HTTPFaultSchema } from '../proto/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import { RouterSchema } from '../proto/envoy/extensions/filters/http/router/v3/router_pb.ts';
import { HttpConnectionManagerSchema } from '../proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { ads } from '../resources/source.ts';
import { grpcName } from './names.ts';

/** What `xds:///web` is: no place where anybody listens, only where the routes are. */
export function grpcListenerOf(service: string, { routes = [] }: Policy): Listener {
  const manager = create(HttpConnectionManagerSchema, {
    routeSpecifier: {
      case: 'rds',
      value: { configSource: ads, routeConfigName: grpcName(service) },
    },
    // A service with routes has the filter that any of them may ask for, so that a change of routes is one of routes alone.
    httpFilters: [...(routes.length > 0 ? [faults] : []), router],
  });
  return create(ListenerSchema, {
    name: service,
    apiListener: { apiListener: anyPack(HttpConnectionManagerSchema, manager) },
  });
}

const faults = filterOf(faultFilter, HTTPFaultSchema, {});
const router = filterOf('envoy.filters.http.router', RouterSchema, {});

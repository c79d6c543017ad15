import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Match } from '@smartstack/policy';

import { withoutSlash } from '../policy/match.ts';
import type { RouteMatchSchema } from '../proto/envoy/config/route/v3/route_components_pb.ts';

type RouteMatch = MessageInitShape<typeof RouteMatchSchema>;

/**
 * Which calls a route takes; undefined for none. Every call is a POST to `/package.Service/Method` without a query. Of
 * the ways to say it, those that the oldest clients know: one that they do not know would be refused whole.
 */
export function grpcMatchOf(match: Match): RouteMatch | undefined {
  const { headers = {}, methods, query = {} } = match;
  const path = pathOf(match);
  if (!path || Object.keys(query).length > 0 || (methods && !methods.includes('POST')))
    return undefined;
  return {
    pathSpecifier: path,
    headers: Object.entries(headers).map(([name, value]) => ({
      name,
      headerMatchSpecifier: { case: 'exactMatch', value },
    })),
  };
}

/** The path of a call has two parts. */
function pathOf({ path, path_prefix: prefix }: Match): RouteMatch['pathSpecifier'] {
  if (path !== undefined) return partsOf(path) === 2 ? { case: 'path', value: path } : undefined;
  const start = withoutSlash(prefix ?? '/');
  switch (partsOf(start)) {
    case 0:
      return { case: 'prefix', value: '' };
    case 1:
      return { case: 'prefix', value: `${start}/` };
    case 2:
      return { case: 'path', value: start };
    default:
      return undefined;
  }
}

const partsOf = (path: string) => path.split('/').length - 1;

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Route } from '@smartstack/policy';

import {
  RedirectAction_RedirectResponseCode as Code,
  type RouteSchema,
} from '../proto/envoy/config/route/v3/route_components_pb.ts';
import { set } from './headers.ts';
import { literal } from './texts.ts';

type RouteInit = MessageInitShape<typeof RouteSchema>;

/** What of a route answers requests here; undefined where they are sent on. */
export function answerOf({ respond, redirect }: Route): RouteInit['action'] | undefined {
  if (respond) {
    const { status, body } = respond;
    return {
      case: 'directResponse',
      value: { status, ...(hasBody(respond) && { body: inline(body) }) },
    };
  }
  if (!redirect) return undefined;
  const { status, scheme, host, path } = redirect;
  // Envoy would put the host of the request before it, as it knows it.
  if (host === undefined) return { case: 'directResponse', value: { status } };
  return {
    case: 'redirect',
    value: {
      responseCode: codes[status],
      hostRedirect: host,
      schemeRewriteSpecifier: { case: 'schemeRedirect', value: scheme },
      ...(path !== undefined && {
        stripQuery: true,
        pathRewriteSpecifier: { case: 'pathRedirect', value: path },
      }),
    },
  };
}

/** The headers of such an answer. */
export function answerHeaders({ respond, redirect }: Route) {
  if (respond && hasBody(respond)) return [set('content-type', literal(respond.type))];
  const { host, path } = redirect ?? {};
  return host === undefined && path !== undefined ? [set('location', literal(path))] : [];
}

const inline = (value: string) => ({ specifier: { case: 'inlineString', value } }) as const;

/** Whether an answer has more than its headers: with some statuses it has not, whatever is said. */
const hasBody = ({ status, body }: NonNullable<Route['respond']>) =>
  body !== '' && status !== 204 && status !== 304;

const codes = {
  301: Code.MOVED_PERMANENTLY,
  302: Code.FOUND,
  303: Code.SEE_OTHER,
  307: Code.TEMPORARY_REDIRECT,
  308: Code.PERMANENT_REDIRECT,
} as const;

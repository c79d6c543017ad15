import type { Route } from '@smartstack/policy';

import { HeaderValueOption_HeaderAppendAction as Action } from '../proto/envoy/config/core/v3/base_pb.ts';
import { literal } from './texts.ts';

/** How a header is written. */
export const header = (key: string, value: string, appendAction: Action) => ({
  header: { key, value },
  appendAction,
  keepEmptyValue: true,
});

/** In place of what was there. */
export const set = (key: string, value: string) =>
  header(key, value, Action.OVERWRITE_IF_EXISTS_OR_ADD);

/** What of a route's headers is set, added and removed; Envoy removes first. */
export function headersOf({ headers = {} }: Pick<Route, 'headers'>) {
  const { request = {}, response = {} } = headers;
  return {
    requestHeadersToAdd: changed(request),
    requestHeadersToRemove: request.remove ?? [],
    responseHeadersToAdd: changed(response),
    responseHeadersToRemove: response.remove ?? [],
  };
}

type Changes = NonNullable<NonNullable<Route['headers']>['request']>;

const changed = ({ set: given = {}, add = {} }: Changes) => [
  ...Object.entries(given).map(([key, value]) => set(key, literal(value))),
  ...Object.entries(add).map(([key, value]) =>
    header(key, literal(value), Action.APPEND_IF_EXISTS_OR_ADD),
  ),
];

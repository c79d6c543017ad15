import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Policy } from '@smartstack/policy';

import { HeaderValueOption_HeaderAppendAction as Action } from '../proto/envoy/config/core/v3/base_pb.ts';
import { HeaderMutationSchema } from '../proto/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.ts';
import {
  type Config_RuleSchema,
  ConfigSchema,
} from '../proto/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb.ts';
import { HeaderMutationSchema as EarlySchema } from '../proto/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.ts';
import { extensionOf, filterOf } from './filter.ts';
import { header, set } from './headers.ts';

type Rule = MessageInitShape<typeof Config_RuleSchema>;

/** Where the ids of a trace are noted. */
const metadataNamespace = 'synapse.trace';

/** A request's trace, for the access log. */
export const traceId = `%DYNAMIC_METADATA(${metadataNamespace}:trace_id)%`;
const spanId = `%DYNAMIC_METADATA(${metadataNamespace}:span_id)%`;

/** Brings random digits: it is taken away again before anything else sees the request. */
const seed = 'x-synapse-trace';

/**
 * A trace context is made without a tracer, which would report to somebody, and put itself into each trace: digits of
 * a UUID, where a request has none. What it has is passed on as it is.
 */
export function earlyMutationsOf({ trace = 'off' }: Policy) {
  if (trace === 'off') return [];
  return [
    extensionOf('envoy.http.early_header_mutation.header_mutation', EarlySchema, {
      mutations: [{ action: { case: 'append', value: set(seed, '%UNIQUE_ID%') } }],
    }),
  ];
}

/** The filters that note a request's trace, where one is to be made or the log is to tell it. */
export function traceFiltersOf({ trace = 'off', access_log: log }: Policy) {
  if (trace === 'off' && log !== 'json') return [];
  const rules = [...(trace === 'off' ? [] : made), ...given];
  return [
    filterOf('synapse.trace', ConfigSchema, { requestRules: rules }),
    ...(trace === 'off'
      ? []
      : [
          filterOf('envoy.filters.http.header_mutation', HeaderMutationSchema, {
            mutations: {
              requestMutations: contexts[trace].map(([key, value]) => appended(key, value)),
            },
          }),
        ]),
  ];
}

const appended = (key: string, value: string) => ({
  // A header of nothing is not added.
  action: {
    case: 'append' as const,
    value: { ...header(key, value, Action.ADD_IF_ABSENT), keepEmptyValue: false },
  },
});

/** Nothing where a request has a trace. */
const unlessTraced = (value: string) => `%CEL('x-b3-traceid' in request.headers ? '' : ${value})%`;

const contexts = {
  w3c: [['traceparent', `00-${traceId}-${spanId}-01`]],
  // The trace id last: the others are made where it is missing.
  b3: [
    ['x-b3-spanid', unlessTraced(`metadata.filter_metadata['${metadataNamespace}']['span_id']`)],
    ['x-b3-sampled', unlessTraced("'1'")],
    ['x-b3-traceid', traceId],
  ],
} as const;

const note = (name: string, key: string, regex: string, substitution: string): Rule => ({
  header: name,
  onHeaderPresent: {
    metadataNamespace,
    key,
    regexValueRewrite: { pattern: { regex }, substitution },
  },
});

/** The last note of an id counts. */
const given = [
  note('x-b3-traceid', 'trace_id', '^(.*)$', '\\1'),
  note('traceparent', 'trace_id', '^[^-]*-([^-]*)-.*$', '\\1'),
];

const uuid = '^(.{8})-(.{4})-(.{4})-(.{4})-(.{4})(.{8})$';
const made: readonly Rule[] = [
  note(seed, 'trace_id', uuid, '\\1\\2\\3\\4\\5\\6'),
  { ...note(seed, 'span_id', uuid, '\\6\\1'), remove: true },
];

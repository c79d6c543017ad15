import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf';
import type { Policy, Protocol } from '@smartstack/policy';

import type { AccessLogSchema } from '../proto/envoy/config/accesslog/v3/accesslog_pb.ts';
import type { SubstitutionFormatStringSchema } from '../proto/envoy/config/core/v3/substitution_format_string_pb.ts';
import { FileAccessLogSchema } from '../proto/envoy/extensions/access_loggers/file/v3/file_pb.ts';
import { StdoutAccessLogSchema } from '../proto/envoy/extensions/access_loggers/stream/v3/stream_pb.ts';
import { filterOf } from './filter.ts';
import { httpReason, tcpReason } from './reasons.ts';
import { literal } from './texts.ts';
import { traceId } from './trace.ts';

/** Where lines go: a file; else Envoy's own output. */
export interface LogTarget {
  readonly file?: string | undefined;
}

type Format = MessageInitShape<typeof SubstitutionFormatStringSchema>;

export interface LogInput {
  readonly service: string;
  readonly policy: Policy;
  readonly protocol: Protocol;
  readonly target: LogTarget;
}

/** What is written of each request (tcp: connection). */
export function accessLogsOf(input: LogInput): MessageInitShape<typeof AccessLogSchema>[] {
  const {
    policy: { access_log: log = 'off' },
    target,
  } = input;
  if (log === 'off') return [];
  const format = log === 'text' ? undefined : formatOf(log, input);
  return [
    target.file === undefined
      ? filterOf('envoy.access_loggers.stdout', StdoutAccessLogSchema, logFormat(format))
      : filterOf('envoy.access_loggers.file', FileAccessLogSchema, {
          path: target.file,
          ...logFormat(format),
        }),
  ];
}

const logFormat = (format: Format | undefined) =>
  format ? { accessLogFormat: { case: 'logFormat' as const, value: format } } : {};

function formatOf(log: 'json' | { readonly format: string }, input: LogInput): Format {
  if (log === 'json') return { format: { case: 'jsonFormat', value: fieldsOf(input) } };
  const value = { specifier: { case: 'inlineString' as const, value: `${log.format}\n` } };
  return { format: { case: 'textFormatSource', value } };
}

function fieldsOf({ service, protocol }: LogInput): JsonObject {
  const start = {
    time: '%EMIT_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%',
    service: literal(service),
    client: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%',
    client_port: '%CEL(source.port)%',
  };
  return protocol === 'tcp' ? { ...start, ...tcp } : { ...start, ...http };
}

const member = { member: '%UPSTREAM_HOST_NAME%', address: '%UPSTREAM_HOST%' };

const retries =
  '%TYPED_CEL(upstream.request_attempt_count > 0u ? upstream.request_attempt_count - 1u : 0u)%';

const http = {
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):2048%',
  status: '%RESPONSE_CODE%',
  route: '%ROUTE_NAME%',
  ...member,
  queue_ms: '%COMMON_DURATION(DS_RX_BEG:US_TX_BEG:ms)%',
  connect_ms: '%COMMON_DURATION(US_CX_BEG:US_CX_END:ms)%',
  response_ms: '%COMMON_DURATION(US_TX_END:US_RX_BEG:ms)%',
  total_ms: '%DURATION%',
  retries,
  request_id: '%REQ(X-REQUEST-ID):128%',
  trace_id: traceId,
  bytes_in: '%DOWNSTREAM_WIRE_BYTES_RECEIVED%',
  bytes_out: '%DOWNSTREAM_WIRE_BYTES_SENT%',
  termination: '%RESPONSE_FLAGS%',
  reason: httpReason,
};

const tcp = {
  ...member,
  retries,
  connect_ms: '%COMMON_DURATION(US_CX_BEG:US_CX_END:ms)%',
  total_ms: '%DURATION%',
  bytes_in: '%BYTES_RECEIVED%',
  bytes_out: '%BYTES_SENT%',
  termination: '%RESPONSE_FLAGS%',
  reason: tcpReason,
};

import type { Metrics } from '@smartstack/daemon';

/** What is counted of the xDS server's work. */
export function createMeters(metrics: Metrics) {
  return {
    streams: metrics.gauge({
      name: 'synapse_xds_streams',
      help: 'Streams of proxies and applications that take their configuration from synapse',
      labels: ['protocol'],
    }),
    notInStep: metrics.gauge({
      name: 'synapse_xds_streams_not_in_step',
      help: 'Streams that have not confirmed all that they asked for',
    }),
    rejected: metrics.gauge({
      name: 'synapse_xds_rejected',
      help: 'Resources that subscribers refuse now, counted on each stream',
    }),
    requests: metrics.counter({
      name: 'synapse_xds_requests_total',
      help: 'Requests of subscribers: ack, nack, none (asks only) or malformed',
      labels: ['answer'],
    }),
    responses: metrics.counter({
      name: 'synapse_xds_responses_total',
      help: 'Responses sent to subscribers',
      labels: ['type'],
    }),
    bytes: metrics.counter({
      name: 'synapse_xds_response_bytes_total',
      help: 'Bytes of responses sent to subscribers',
      labels: ['type'],
    }),
  };
}

export type Meters = ReturnType<typeof createMeters>;

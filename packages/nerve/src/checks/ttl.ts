import { z } from 'zod';

import { type CheckMechanism, commonKeys, spanFrom } from './check.ts';

const schema = z
  .strictObject({
    type: z.literal('ttl'),
    ...commonKeys(),
    ttl: spanFrom(100).meta({ description: 'how long a report counts', examples: ['15s'] }),
  })
  .meta({
    description:
      'passes while the service itself reports that it works: `curl -X PUT http://127.0.0.1:9103/beat/NAME`, or `…?state=fail&reason=…`',
  });

/**
 * Passes while the service itself reports that it works, at least every `ttl`, with
 * `PUT /beat/<service>` on nerve's status address; `?state=fail&reason=…` reports that it does not.
 */
export const ttl: CheckMechanism<typeof schema> = {
  type: 'ttl',
  schema,
  create: ({ name, ttl: limit }, { service, ttlReports }) => ({
    name: name ?? `${service} ttl`,
    run: async () => {
      const report = ttlReports.last(service);
      if (!report) throw new Error(`no report from ${service} yet`);
      const age = performance.now() - report.at;
      if (age > limit)
        throw new Error(
          `last report from ${service} ${(age / 1000).toFixed(1)} s ago, expected every ${limit / 1000} s`,
        );
      if (!report.passed) throw new Error(`${service} reported: ${report.reason || 'fail'}`);
    },
  }),
};

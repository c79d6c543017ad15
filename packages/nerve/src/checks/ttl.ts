import { z } from 'zod';

import { type CheckMechanism, commonKeys, spanFrom } from './check.ts';

const schema = z
  .strictObject({
    type: z.literal('ttl'),
    ...commonKeys(),
    ttl: spanFrom(100).meta({ description: 'how long a sign of life counts', examples: ['15s'] }),
  })
  .meta({
    description:
      'passes while the service says so itself: `curl -X PUT http://127.0.0.1:9103/beat/NAME`, or `…?state=fail&reason=…`',
  });

/**
 * Passes while the service itself says that it works, at least every `ttl`, with
 * `PUT /beat/<service>` on nerve's status address; `?state=fail&reason=…` says that it does not.
 */
export const ttl: CheckMechanism<typeof schema> = {
  type: 'ttl',
  schema,
  create: ({ name, ttl: limit }, { service, beats }) => ({
    name: name ?? `${service} ttl`,
    run: async () => {
      const beat = beats.last(service);
      if (!beat) throw new Error(`heard nothing from ${service} yet`);
      const age = performance.now() - beat.at;
      if (age > limit)
        throw new Error(
          `heard from ${service} ${(age / 1000).toFixed(1)} s ago, expected every ${limit / 1000} s`,
        );
      if (!beat.passed) throw new Error(`${service} said: ${beat.reason || 'fail'}`);
    },
  }),
};

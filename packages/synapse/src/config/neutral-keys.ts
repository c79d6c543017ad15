import { portKey } from '@smartstack/daemon';
import { policySchema, protocols } from '@smartstack/policy';
import { z } from 'zod';

import { allProxies } from '../proxies.ts';

const proxyNames = allProxies.map(({ name }) => name);

/** Which proxy serves, by the name of its section. */
export const proxyName = z.enum(proxyNames as [string, ...string[]]);

/** Keys of a service that say the same to every proxy. */
export const neutralKeys = {
  port: portKey.optional().meta({
    description: 'the port that apps connect to; the section of a proxy may say it instead',
    otherwise: 'the proxy’s section says it, or no app connects',
    examples: [3213],
  }),
  bind_address: z
    .string()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
    .regex(/^[^\x00-\x20\x7f]+$/, { error: 'expected an address without spaces' })
    .optional()
    .meta({
      description: 'the address that apps connect to',
      otherwise: 'the proxy’s own',
      examples: ['0.0.0.0'],
    }),
  protocol: z
    .enum(protocols)
    .optional()
    .meta({
      description:
        'how apps and members speak. Words of `policy` that are about requests need one of the HTTP kinds',
      otherwise: 'what the proxy’s section says, else tcp',
      examples: ['http'],
    }),
  proxy: proxyName.optional().meta({
    description: 'which proxy serves it',
    otherwise: 'the one that it has a section of, else the top level’s',
    examples: [proxyNames.at(-1)],
  }),
  policy: policySchema.optional().meta({
    description: 'what happens to its traffic: see below',
    otherwise: 'none: the proxy’s section alone counts',
    examples: [{ timeouts: { request: '5s' }, retries: { attempts: 2 } }],
  }),
  policy_from: z
    .enum(['service', 'registry'])
    .default('service')
    .meta({
      description:
        'whose words win where both the service’s `policy` and that of its registry say one: the data of its ZooKeeper path may have `{"policy": {…}}`, for all machines at once',
      examples: ['registry'],
    }),
};

/** The names of these keys. */
export const neutralNames: ReadonlySet<string> = new Set(Object.keys(neutralKeys));

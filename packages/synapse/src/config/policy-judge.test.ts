import { policySchema } from '@smartstack/policy';
import { describe, expect, test } from 'vitest';

import { loadText } from './policy.fixture.ts';
import { createPolicyJudge } from './policy-judge.ts';

const services = `services:
  web: {discovery: {method: base}, port: 80, protocol: http, policy: {slow_start: 5s}}
  raw: {discovery: {method: base}, haproxy: {port: 81}}
  none: {discovery: {method: base}}
  web.version-v2: {discovery: {method: base}, haproxy: {port: 82}}
`;

async function judge(service: string, policy: object, top = '') {
  const { config } = await loadText(`${top}${services}`);
  return createPolicyJudge(config)(service)(policySchema.parse(policy));
}

test('what the registry says goes below the service’s words and above what is built in', async () => {
  const judged = await judge('web', { slow_start: '1s', timeouts: { connect: '2s' } });
  expect(judged).toMatchObject({
    policed: {
      protocol: 'http',
      policy: { policy: { slow_start: 5000, timeouts: { connect: 2000, idle: 60_000 } } },
      registryPolicy: { slow_start: 1000 },
    },
  });
});

test('a service without a policy of its own gets one, and one that is not proxied does not', async () => {
  expect(await judge('raw', { slow_start: '1s' })).toMatchObject({
    policed: { protocol: 'tcp', policy: { policy: { slow_start: 1000 } } },
  });
  expect(await judge('none', { slow_start: '1s' })).toEqual({ policed: {} });
});

describe('what cannot be used here is refused', () => {
  test.each([
    [
      'words of requests for a tcp service',
      'raw',
      { trace: 'w3c' },
      'policy.trace: needs `protocol: http`; this service is tcp',
    ],
    [
      'what the proxy cannot do',
      'web',
      { hedge: { after: '1s' } },
      'policy.hedge: haproxy cannot do this: it sends a request to one member at a time; these can: envoy',
    ],
    [
      'a service that is not followed here',
      'web',
      { routes: [{ to: { service: 'api' } }] },
      'policy.routes[0].to[0].service: no service api is followed here; add it to services',
    ],
    [
      'a name that another service has',
      'web',
      { routes: [{ to: { subset: { version: 'v2' } } }] },
      "services.web.version-v2: is what routes name web's members with version=v2",
    ],
  ])('%s', async (_, service, policy, problem) => {
    expect(await judge(service, policy)).toEqual({ problems: [problem] });
  });
});

test('what the proxy cannot do is ignored where that is but a warning', async () => {
  const judged = await judge('web', { hedge: { after: '1s' } }, 'policy_unsupported: warn\n');
  expect(judged).toHaveProperty('policed');
});

test('a circle that two policies of the registry make together is refused', async () => {
  const { config } = await loadText(`services:
  web: {discovery: {method: base}, port: 80, protocol: http}
  api: {discovery: {method: base}, port: 81, protocol: http}
`);
  const leadingTo = (service: string) => policySchema.parse({ routes: [{ to: { service } }] });
  const judgeOf = createPolicyJudge(config);
  const web = judgeOf('web')(leadingTo('api'));
  if (!('policed' in web) || !web.policed.policy) throw new Error('web is refused');
  expect(judgeOf('api')(leadingTo('web'))).toHaveProperty('policed');
  expect(judgeOf('api')(leadingTo('web'), new Map([['web', web.policed.policy]]))).toEqual({
    problems: [
      'policy.routes[0].to[0].service: leads in a circle: api → web → api; let one of these routes lead to other members',
    ],
  });
});

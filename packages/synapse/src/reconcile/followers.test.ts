import { createLatest } from '@smartstack/daemon';
import { policySchema } from '@smartstack/policy';
import type { Service } from '@smartstack/proxy';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { loadText } from '../config/policy.fixture.ts';
import { createPolicyJudge } from '../config/policy-judge.ts';
import type { RegistryPolicy } from '../discovery/registry-policy.ts';
import { savedOf } from '../outputs/snapshot-file.ts';
import { createFollowers } from './followers.ts';
import { createTaskGroup } from './task-group.ts';

let ended: AbortController;
beforeEach(() => {
  ended = new AbortController();
});
afterEach(() => ended.abort());

type Said = Readonly<Record<string, object>>;

/** Services of a configuration whose registry says what a test lets it say. */
async function scene(saved: Readonly<Record<string, object>> = {}) {
  const registry = new Map(['web', 'api'].map((name) => [name, createLatest<Said>()]));
  const refusals: string[] = [];
  /** What a file with these services makes of those that the registry speaks of. */
  const followed = async (...names: readonly string[]) => {
    const lines = names.map(
      (name, index) =>
        `  ${name}: {discovery: {method: base}, port: ${80 + index}, protocol: http}\n`,
    );
    const { config } = await loadText(`services:\n${lines.join('')}`);
    const judgeOf = createPolicyJudge(config);
    return [...registry].map(([name, says]) => ({
      service: { name, instances: [], defaults: [], own: {}, origin: 'synapse.yaml:1:1' },
      discovery: async function* (signal: AbortSignal) {
        yield [];
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      overrides: (signal: AbortSignal) => says.values(signal),
      judgePolicy: judgeOf(name),
      savedPolicy: saved[name] && policySchema.parse(saved[name]),
      identity: name,
    }));
  };
  const followers = createFollowers(await followed('web', 'api'), {
    onChange: () => {},
    onRefused: (service, problems) => refusals.push(`${service}: ${problems.join()}`),
  });
  followers.start(createTaskGroup(ended.signal), ended.signal);
  const say = (name: string, policy?: object) => {
    const said: RegistryPolicy | undefined = policy && { policy: policySchema.parse(policy) };
    registry.get(name)?.set(said ? { policy: said } : {});
  };
  const inForce = (name: string) => followers.snapshot().get(name)?.registryPolicy;
  const reload = async (...names: readonly string[]) => followers.replace(await followed(...names));
  return { followers, say, inForce, refusals, reload };
}

const leadingTo = (service: string) => ({ routes: [{ to: { service } }] });

test('of two policies of the registry that make a circle the newer one is refused, until the other is gone', async () => {
  const { followers, say, inForce, refusals } = await scene();
  say('api', { slow_start: '1s' });
  say('web', leadingTo('api'));
  await vi.waitFor(() => expect(inForce('web')).toBeDefined());
  await vi.waitFor(() => expect(inForce('api')).toEqual({ slow_start: 1000 }));
  say('api', leadingTo('web'));
  await vi.waitFor(() => expect(refusals).toHaveLength(1));
  expect(refusals[0]).toContain('api: policy.routes[0].to[0].service: leads in a circle');
  expect(inForce('api')).toEqual({ slow_start: 1000 });
  expect(followers.refusedPolicy('api')).toHaveLength(1);

  say('web');
  await vi.waitFor(() =>
    expect(inForce('api')).toMatchObject({ routes: [{ to: [{ service: 'web' }] }] }),
  );
  expect(followers.refusedPolicy('api')).toEqual([]);
  say('web', leadingTo('api'));
  await vi.waitFor(() => expect(followers.refusedPolicy('web')).toHaveLength(1));
});

test('what a registry said in an earlier run is in force, and stale, until it answers', async () => {
  const { followers, say, inForce } = await scene({ web: { slow_start: '1s' } });
  const web = () => followers.snapshot().get('web') as Service;
  expect(inForce('web')).toEqual({ slow_start: 1000 });
  expect(web()).toMatchObject({ stalePolicy: true, protocol: 'http' });
  expect(savedOf(web())).toMatchObject({ policy: { slow_start: '1s' } });
  say('web', { slow_start: '1s' });
  await vi.waitFor(() => expect(web().stalePolicy).toBeUndefined());
  expect(inForce('web')).toEqual({ slow_start: 1000 });
  say('web');
  await vi.waitFor(() => expect(inForce('web')).toBeUndefined());
});

test('what was refused is judged anew by another file, and so is what is in force', async () => {
  const { followers, say, inForce, reload } = await scene();
  say('web', leadingTo('store'));
  await vi.waitFor(() => expect(followers.refusedPolicy('web')).toHaveLength(1));
  expect(inForce('web')).toBeUndefined();
  await reload('web', 'api', 'store');
  expect(followers.refusedPolicy('web')).toEqual([]);
  expect(inForce('web')).toMatchObject({ routes: [{ to: [{ service: 'store' }] }] });
  await reload('web', 'api');
  expect(followers.refusedPolicy('web')).toHaveLength(1);
  expect(inForce('web')).toBeUndefined();
});

import type { Snapshot } from '@smartstack/proxy';
import { createHosts } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import { expect, test } from 'vitest';
import { haproxySchema, haproxyServiceSchema } from '../config/config.ts';
import { policyFiles } from '../policy/files.ts';
import { capabilitiesOf } from '../render/version.ts';
import { createDesiredState } from './desired.ts';

const settings = {
  config: haproxySchema.parse({}),
  around: { socket: undefined, stateFile: undefined, maxconn: undefined, account: undefined },
  files: policyFiles('/run/synapse/haproxy.cfg'),
  capabilities: capabilitiesOf('2.6.12'),
  stats: undefined,
};

function snapshotOf(...instances: readonly Instance[]): Snapshot {
  const haproxy = haproxyServiceSchema.parse({ port: 1 });
  const own = { haproxy };
  return new Map([['web', { name: 'web', instances, defaults: [], own, origin: 'x' }]]);
}

test('what a member may not set is said once, though names are looked up meanwhile', async () => {
  const said: string[] = [];
  const desire = createDesiredState({
    settings,
    hosts: createHosts(),
    addressOf: () => undefined,
    onRefused: (service, { server }) => said.push(`${service} ${server}`),
    onIgnored: () => {},
    choose: (_, config) => config,
    choices: () => 0,
  });
  const bad: Instance = { host: '127.0.0.1', port: 1, haproxyServerOptions: 'check port %{nokey}' };
  const named: Instance = { host: 'localhost', port: 2 };
  const signal = new AbortController().signal;
  await desire.resolved(snapshotOf(bad, named), signal);
  expect(said).toEqual(['web 127.0.0.1:1']);
  desire.refresh();
  await desire.of(snapshotOf(bad, named));
  expect(said).toHaveLength(1);
  await desire.of(snapshotOf(named));
  await desire.of(snapshotOf(bad, named));
  expect(said).toHaveLength(2);
});

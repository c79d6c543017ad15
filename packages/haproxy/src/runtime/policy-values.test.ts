import { expect, test } from 'vitest';

import type { Desired } from '../desired/desired.ts';
import { policyFiles } from '../policy/files.ts';
import type { Traffic } from '../policy/traffic.ts';
import type { Runtime } from './admin-socket.ts';
import { createAllowLists } from './allow-lists.ts';
import { createPolicyValues } from './policy-values.ts';

/** In a folder that is not there, so that nothing can be written. */
const files = policyFiles('/nowhere/haproxy.cfg');
const traffic: Traffic = {
  service: 'web',
  protocol: 'http',
  policy: {
    allow: ['10.0.0.1'],
    routes: [{ name: 'a', fault: { abort: { status: 503, share: 0.5 } } }],
  },
  builtIn: [],
  isPanic: false,
  front: { routes: [null], rest: [], backends: ['web'] },
};
const desired = new Map([['web', { part: { config: { traffic } } } as unknown as Desired]]);

/** A HAProxy that has other values, and notes what it is told. */
function haproxy() {
  const told: string[] = [];
  const answers: Readonly<Record<string, string>> = {
    [`show map ${files.map}`]: '0x1 web/a/abort 100000',
    [`show acl ${files.allow}web`]: '0x1 10.0.0.9',
    [`prepare acl ${files.allow}web`]: 'New version created: 1',
  };
  const runtime: Runtime = {
    path: '/sock',
    ask: async (commands) => {
      told.push(...commands.filter((command) => !command.startsWith('show')));
      return commands.map((command) => answers[command] ?? '');
    },
    fingerprints: async () => new Map(),
  };
  return { runtime, told };
}

test.each([
  ['values', createPolicyValues, `set map ${files.map} web/a/abort 500000`],
  ['addresses', createAllowLists, `commit acl @1 ${files.allow}web`],
])(
  'HAProxy is told other %s where no file can be written, which is an error',
  async (_, create, command) => {
    const { runtime, told } = haproxy();
    const { signal } = new AbortController();
    const live = create({ files, runtimes: [runtime] });
    await expect(live.sync(desired, signal)).rejects.toThrow('ENOENT');
    expect(told).toContain(command);
  },
);

import { envoyBinary } from '../support/envoy.ts';
import { program } from '../support/haproxy.ts';
import type { Scratch } from '../support/scratch.ts';

/** A proxy that policies are shown on. */
export interface Subject {
  readonly proxy: 'haproxy' | 'envoy';
  readonly title: string;
  /** What a synapse's file says at the top level for it. */
  top(scratch: Scratch): Readonly<Record<string, object | string>>;
}

/** The HAProxy that policies are shown on: another than that of other tests, where `POLICY_HAPROXY` names one. */
export const policyProgram = process.env.POLICY_HAPROXY ?? program;

export const haproxySubject: Subject = {
  proxy: 'haproxy',
  title: policyProgram,
  top: (scratch) => ({
    haproxy: {
      stats_address: false,
      run_directory: scratch.path('run'),
      on_exit: 'stop',
      binary: policyProgram,
    },
  }),
};

const envoySubject: Subject = {
  proxy: 'envoy',
  title: 'Envoy',
  top: (scratch) => ({
    proxy: 'envoy',
    // Words that it cannot do stand in the same services: what becomes of these differs.
    policy_unsupported: 'warn',
    envoy: {
      binary: envoyBinary(),
      run_directory: scratch.path('envoy'),
      on_exit: 'stop',
      // Each of its threads takes members in turn by itself: of one alone it can be said whose turn it is.
      concurrency: 1,
    },
  }),
};

/** The proxies of this run: HAProxy, or Envoy where `POLICY_PROXY=envoy` asks for it. */
export const subjects: readonly Subject[] = [
  process.env.POLICY_PROXY === 'envoy' ? envoySubject : haproxySubject,
];

/** What is expected of one proxy where two do not do the same; printed, so that a run says where they differ. */
export function differs<T>(
  { proxy }: Subject,
  what: string,
  expected: Readonly<Record<Subject['proxy'], T>>,
): T {
  process.stdout.write(`${proxy} differs: ${what}: ${JSON.stringify(expected)}\n`);
  return expected[proxy];
}

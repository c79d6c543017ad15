import { availableParallelism } from 'node:os';

import { defineConfig } from 'vitest/config';

/** Tests import the packages' sources (`source` condition), so they need no build; the daemons that system tests start are bundled first, with the built scripts of their pages. */
const conditions = ['source', 'node'];
/** Distributions keep haproxy and ip where a plain user's PATH does not look. */
const env = { PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin` };
/** A core each: more would save two seconds, and what tests say of time would depend on their neighbours. */
const workers = Math.max(2, availableParallelism());
const shared = { ssr: { resolve: { conditions, externalConditions: ['source'] } } };
/** Files share the modules of their worker: loading them anew for each takes half of the processor time. */
const isolate = false;

/**
 * What asks the same whatever Node.js runs it: left out of a run on another one. What HAProxy does with a rendered file
 * is such too, yet test/policy stays: on another Node.js it runs on another HAProxy (scripts/test-lts.sh).
 */
const sameOnAnyNode = [
  'test/docs/**',
  'test/examples/**',
  'test/generate/**',
  'test/{compose,demo,docs,examples,setup}.test.ts',
  'test/synapse/haproxy-versions.test.ts',
];

/** Bundles the daemons before the tests that start them. */
const bundled = ['test/support/bundled.setup.ts'];

/** A file that the run's results are written to as well, as JSON. */
const report = process.env.TEST_REPORT;

export default defineConfig({
  test: {
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'test/house/*.test.ts'],
          environment: 'node',
          isolate,
          maxWorkers: workers,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...shared,
        test: {
          name: 'system',
          globalSetup: bundled,
          env,
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/envoy/**',
            'test/faults/**',
            'test/house/**',
            'test/servers/**',
            'test/registries/**',
            'test/package/**',
            'test/page/**',
            ...(process.env.NODE_TESTS_ONLY === undefined ? [] : sameOnAnyNode),
          ],
          environment: 'node',
          isolate,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...shared,
        test: {
          name: 'faults',
          globalSetup: bundled,
          env,
          include: ['test/faults/**/*.test.ts'],
          environment: 'node',
          isolate,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // They wait for retries most of the time, and for nothing else.
          maxWorkers: 4,
          sequence: { groupOrder: 2 },
        },
      },
      {
        ...shared,
        test: {
          name: 'package',
          env,
          include: ['test/package/**/*.test.ts'],
          environment: 'node',
          isolate,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        ...shared,
        test: {
          name: 'page',
          globalSetup: bundled,
          env,
          include: ['test/page/**/*.test.ts'],
          environment: 'node',
          isolate,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        ...shared,
        test: {
          name: 'registries',
          globalSetup: bundled,
          env,
          include: ['test/registries/**/*.test.ts'],
          environment: 'node',
          isolate,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        ...shared,
        test: {
          name: 'envoy',
          globalSetup: bundled,
          // The same tables of policies as on HAProxy; they print where the two differ.
          env: { ...env, POLICY_PROXY: 'envoy' },
          include: ['test/envoy/**/*.test.ts', 'test/policy/*.test.ts'],
          // HAProxy's own: its parser, one that something else runs, where its lines go.
          exclude: ['test/policy/{any,external,log-target}.test.ts'],
          environment: 'node',
          isolate,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        ...shared,
        test: {
          name: 'servers',
          env,
          include: ['test/servers/**/*.test.ts'],
          environment: 'node',
          isolate,
          testTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});

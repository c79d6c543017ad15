import { setTimeout as sleep } from 'node:timers/promises';

import { silentLog } from '@smartstack/daemon';

import { createManagedEnvoy } from '../../packages/envoy/src/process/managed.ts';
import { envoyOptions } from '../support/managed-envoy.ts';

/** Owns the Envoy of a folder until it is killed, and prints its pid. */
const envoy = createManagedEnvoy(envoyOptions(process.argv[2] ?? ''), silentLog);
await envoy.ensure(new AbortController().signal);
console.log(envoy.status().pid);
await sleep(120_000);

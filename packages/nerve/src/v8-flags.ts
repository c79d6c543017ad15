import { setFlagsFromString } from 'node:v8';

import { exitNow } from './announce/hand-off.ts';

/** Settings that must be in effect before anything else is loaded. */

// Checks produce the same small garbage all day. A small young generation, and a heap that is collected
// before it grows, hold 500 checks in 110 MB instead of 180, for a fifth more CPU time.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=30');

// A SIGHUP before the configuration was read has no effect; without a listener it would end nerve.
process.on('SIGHUP', () => {});

// A SIGUSR2 before anything was taken over leaves nothing to the next nerve.
process.on('SIGUSR2', exitNow);

import { setFlagsFromString } from 'node:v8';

/** What has to stand before anything else is loaded. */

// Young objects that may not spread hold 10,000 members in 130 MB instead of 220. Changes cost as much as
// before; what is collected in the quiet after a start costs more.
setFlagsFromString('--semi-space-growth-factor=1');

// In that quiet V8 collects up to three times, for 10,000 members 100 to 150 ms of processor time each. The
// first time frees nearly all. Node.js 20 and 24 call it by two names, and say so of one that they do not know.
const major = Number.parseInt(process.versions.v8, 10);
setFlagsFromString(major < 12 ? '--memory-reducer-single-gc' : '--memory-reducer-gc-count=1');

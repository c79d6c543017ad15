import { setFlagsFromString } from 'node:v8';

/** What has to stand before anything else is loaded. */

// The start reads everything at once, and little happens after: young objects that may not spread hold
// 10,000 members in 130 MB instead of 220, and cost no time where it counts.
setFlagsFromString('--semi-space-growth-factor=1');

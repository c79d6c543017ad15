#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// Checks make the same small garbage all day. Young objects that stay few, and a heap that grows little
// before it is cleaned, hold it in 110 MB instead of 180, for a fifth more of processor time.

setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=30');

await import('../dist/cli.js');

import './v8-flags.ts';

import { captureWarnings, endWithReader } from '@smartstack/daemon';

import { createProgram } from './program.ts';

captureWarnings();
endWithReader();
await createProgram().parseAsync();

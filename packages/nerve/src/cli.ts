import './early.ts';

import { endWithReader } from '@smartstack/daemon';

import { createProgram } from './program.ts';

endWithReader();
await createProgram().parseAsync();

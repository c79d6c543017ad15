import './early.ts';

import { createProgram } from './program.ts';

await createProgram().parseAsync();

import { vi } from 'vitest';

import { describeFaultsOf } from './source.ts';

vi.setConfig({ testTimeout: 60_000 });

describeFaultsOf(['dns']);

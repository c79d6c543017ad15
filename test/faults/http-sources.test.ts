import { vi } from 'vitest';

import { describeFaultsOf } from './source.ts';

vi.setConfig({ testTimeout: 60_000 });

describeFaultsOf(['marathon', 'docker', 'ec2tag']);

import { z } from 'zod';

import { type CheckMechanism, commonKeys } from './check.ts';

const schema = z
  .strictObject({ type: z.literal('noop'), ...commonKeys() })
  .meta({ description: 'always passes' });

/** Always passes: announces a service for as long as nerve runs. */
export const noop: CheckMechanism<typeof schema> = {
  type: 'noop',
  schema,
  create: ({ name }, { service }) => ({ name: name ?? `${service} noop`, run: async () => {} }),
};

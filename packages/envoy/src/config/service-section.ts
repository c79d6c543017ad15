import { duration } from '@smartstack/daemon';
import { z } from 'zod';

import { flag } from './values.ts';

/** The `envoy` section of one service: the keys that are the same for every proxy stand beside it. */
export const envoyServiceSchema = z.strictObject({
  drain_timeout: duration.optional().meta({
    description: 'how long a leaving member may finish its requests; it gets no new ones',
    otherwise: 'the top level’s',
    examples: ['1m'],
  }),
  disabled: flag(false).meta({ description: 'leaves the service out' }),
});

/** The section as it is used, with where apps connect; without a port there are clusters and endpoints only. */
export type EnvoyService = z.output<typeof envoyServiceSchema> & {
  readonly port?: number | undefined;
  readonly bind_address?: string | undefined;
};

import { expect, test } from 'vitest';

import { createMetrics } from './metrics.ts';

test('a daemon’s own metrics are Node’s, without what needs sampling between scrapes', async () => {
  const { body } = await createMetrics({ process: true }).text();
  expect(body).toMatch(/^process_resident_memory_bytes \d/m);
  expect(body).toMatch(/^nodejs_eventloop_lag_seconds \d/m);
  expect(body).not.toMatch(/nodejs_eventloop_lag_\w+_seconds/);
});

import type { HaproxyDriver } from '../driver.ts';
import { createExpansion, type Expanded } from './expand.ts';
import { gathered, gatheredMeasures, gatheredRefusals } from './gather.ts';

/**
 * A driver that serves each service from as many backends as its locality and its policy ask for. Its frontend
 * chooses among them: only HAProxy is asked which of them have a server that is up.
 */
export function withBackends(driver: HaproxyDriver): HaproxyDriver {
  const expand = createExpansion();
  let plans: Expanded['plans'] = new Map();
  return {
    ...driver,
    prepare: async (snapshot, signal) => driver.prepare?.(expand(snapshot).snapshot, signal),
    apply: (snapshot, signal) => {
      const expanded = expand(snapshot);
      ({ plans } = expanded);
      return driver.apply(expanded.snapshot, signal);
    },
    refused: () => gatheredRefusals(driver.refused(), plans),
    status: () => gathered(driver.status(), plans),
    measure: async (signal) => gatheredMeasures(await driver.measure(signal), plans),
  };
}

import { type Journal, messageOf } from '@smartstack/daemon';

import { type ProxyDriver, type Refused, refusedBy } from '@smartstack/proxy';

/** The same driver, whose reloads, failures and refusals are noted. */
export function observed(driver: ProxyDriver, journal: Journal): ProxyDriver {
  let refused = new Map<string, Refused>();
  let failure = '';

  function noteRefusals(): void {
    const now = new Map(refusedBy(driver).map((each) => [each.owner, each]));
    for (const [owner, { reason, lastGood }] of now) {
      if (refused.get(owner)?.reason === reason) continue;
      const kind = lastGood ? 'last good' : 'refused';
      journal.add({ kind, tone: 'bad', service: owner, text: reason });
    }
    for (const owner of refused.keys())
      if (!now.has(owner))
        journal.add({ kind: 'accepted', tone: 'good', service: owner, text: 'no longer refused' });
    refused = now;
  }

  function failed(reason: string): void {
    if (failure !== reason) journal.add({ kind: 'failed', tone: 'bad', text: reason });
    failure = reason;
  }

  return {
    ...driver,
    apply: async (snapshot, signal) => {
      try {
        const applied = await driver.apply(snapshot, signal);
        if (applied === 'reloaded')
          journal.add({ kind: 'reloaded', tone: 'idle', text: `${driver.name} runs a new file` });
        if (failure !== '') journal.add({ kind: 'in step', tone: 'good', text: driver.name });
        failure = '';
        return applied;
      } catch (error) {
        if (!signal.aborted) failed(messageOf(error));
        throw error;
      } finally {
        noteRefusals();
      }
    },
  };
}

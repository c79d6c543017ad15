import type { Refused } from '@smartstack/proxy';

/** Services that are left out before Envoy is told of them, and since when. */
export interface LeftOut {
  note(services: readonly { readonly owner: string; readonly reason: string }[]): void;
  list(): readonly Refused[];
}

export function createLeftOut(): LeftOut {
  let list: readonly Refused[] = [];
  return {
    note: (services) => {
      const before = new Map(list.map((each) => [`${each.owner} ${each.reason}`, each]));
      const since = new Date().toISOString();
      list = services.map(
        ({ owner, reason }) =>
          before.get(`${owner} ${reason}`) ?? { owner, reason, since, lastGood: false },
      );
    },
    list: () => list,
  };
}

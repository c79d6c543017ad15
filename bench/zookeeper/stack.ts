import { setTimeout as sleep } from 'node:timers/promises';

import { connect } from '@smartstack/zookeeper';

import type { Subject } from './subject.ts';

export const sizes = { services: 200, members: 100 } as const;

/** A tree of services with members, and the hand that changes it. */
export interface Stack extends AsyncDisposable {
  readonly services: readonly string[];
  readonly members: readonly string[];
  /** Creates a member and resolves to the milliseconds until the subject knew it; the member is removed again. */
  change(subject: Subject): Promise<number>;
  /** Waits until the last change has come to rest. */
  quiet(): Promise<void>;
}

/** Fills a server with services. */
export async function fill(hosts: string): Promise<Stack> {
  const session = connect({ hosts: [hosts], inFlight: 256, timeout: 30_000 });
  const root = '/bench';
  const data = Buffer.from('{"host":"10.0.0.1","port":8080,"name":"instance","weight":1}');
  const create = (path: string) => session.create(path, data, 'persistent', { deadline: 120_000 });
  const services = Array.from({ length: sizes.services }, (_, n) => `${root}/service-${n}`);
  const members = services.flatMap((service) =>
    Array.from({ length: sizes.members }, (_, n) => `${service}/instance-${n}`),
  );
  let number = 0;
  await create(root);
  await Promise.all(services.map(create));
  await Promise.all(members.map(create));
  return {
    services,
    members,
    async change(subject) {
      number += 1;
      const service = services[number % services.length] as string;
      const member = `new-${number}`;
      const since = performance.now();
      const created = create(`${service}/${member}`);
      await subject.seen(service, member);
      const took = performance.now() - since;
      await created;
      await session.remove(`${service}/${member}`);
      return took;
    },
    quiet: () => sleep(200),
    [Symbol.asyncDispose]: () => session.close(),
  };
}

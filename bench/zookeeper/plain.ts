import { children, connectPlain, read } from '../plain-zookeeper.ts';
import { createKnowledge, type Subject } from './subject.ts';

const name = 'plain';

/** The plain library as it is commonly used: list with a watch, read who is new. It watches no data. */
async function connect(hosts: string): Promise<Subject> {
  const client = await connectPlain(hosts);
  const knowledge = createKnowledge();
  let lists = 0;
  let reads = 0;

  async function look(service: string, known: ReadonlySet<string>): Promise<void> {
    lists += 1;
    let present = known;
    const names = await children(client, service, () => {
      look(service, present).catch(() => {});
    });
    const added = names.filter((member) => !known.has(member));
    reads += added.length;
    await Promise.all(added.map((member) => read(client, `${service}/${member}`)));
    present = new Set(names);
    knowledge.learn(service, present);
  }

  return {
    name,
    async read(paths) {
      await Promise.all(paths.map((path) => read(client, path)));
    },
    async follow(services) {
      await Promise.all(services.map((service) => look(service, new Set())));
    },
    seen: (service, member) => knowledge.until((known) => known.get(service)?.has(member) ?? false),
    requests: async () => ({ lists, reads }),
    verified: async () => {},
    async close() {
      client.close();
    },
  };
}

export const plain = { name, connect };

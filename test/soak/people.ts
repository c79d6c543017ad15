import { connect, type Ephemeral, type Session } from '@smartstack/zookeeper';

/** Everybody who depends on the ensemble: some announce, some watch. */
export interface People extends AsyncDisposable {
  readonly announcements: number;
  readonly watchers: number;
  /** Changes what some announcements say, in place, whether or not a server is there. */
  change(): void;
  /** What is not as it should be, or undefined when announcements, servers and watchers are one. */
  disagreement(): Promise<string | undefined>;
  summary(): string;
  close(): Promise<void>;
}

const services = 20;
const sessions = 10;
const timeout = 4_000;

const serviceOf = (n: number) => `/soak/service-${n % services}`;

interface Announcement {
  readonly service: string;
  readonly node: Ephemeral;
  data: string;
}

export async function createPeople(
  hosts: readonly string[],
  { announcements: count = 200, watchers = 200 } = {},
): Promise<People> {
  const open = () => connect({ hosts, timeout });
  const all = Array.from({ length: sessions }, open);
  const witness = connect({ hosts, timeout: 30_000 });
  const ended = new AbortController();
  const { signal } = ended;
  const pick = (n: number) => all[n % sessions] as Session;
  let changes = 0;
  let lists = 0;

  const announcements = await Promise.all(
    Array.from({ length: count }, async (_, n): Promise<Announcement> => {
      const service = serviceOf(n);
      const data = `${n}`;
      const wanted = { path: `${service}/i_`, data: Buffer.from(data), sequential: true };
      return { service, data, node: await pick(n).ephemeral(wanted, signal) };
    }),
  );

  const seen = new Map<number, string>();
  const watching = Array.from({ length: watchers }, async (_, n) => {
    for await (const children of pick(n).children(serviceOf(n), signal)) {
      lists += 1;
      seen.set(
        n,
        children
          .map(({ data }) => data.toString())
          .sort()
          .join(' '),
      );
    }
  });

  const expected = (service: string) =>
    announcements
      .filter((one) => one.service === service)
      .map(({ data }) => data)
      .sort()
      .join(' ');

  async function truth(service: string): Promise<string> {
    const { names } = await witness.list(service, { deadline: 30_000 });
    const nodes = names.map((name) => witness.get(`${service}/${name}`, { deadline: 30_000 }));
    return (await Promise.all(nodes))
      .map(({ data }) => data.toString())
      .sort()
      .join(' ');
  }

  async function disagreement(): Promise<string | undefined> {
    for (let n = 0; n < services; n++) {
      const service = serviceOf(n);
      const there = await truth(service).catch(({ message }) => message);
      if (there !== expected(service))
        return `${service} has [${there}] instead of [${expected(service)}]`;
    }
    for (let n = 0; n < watchers; n++) {
      const wanted = expected(serviceOf(n));
      if (seen.get(n) !== wanted) return `watcher ${n} saw [${seen.get(n)}] instead of [${wanted}]`;
    }
    return undefined;
  }

  async function close(): Promise<void> {
    ended.abort();
    await Promise.all(watching);
    await Promise.all([...all, witness].map((session) => session.close()));
  }

  return {
    announcements: count,
    watchers,
    change() {
      changes += 1;
      for (const [n, one] of announcements.entries()) {
        if (n % 20 !== changes % 20) continue;
        one.data = `${n}-${changes}`;
        // An update that was overtaken, or whose session ended with the test, has no one to tell.
        one.node.update(Buffer.from(one.data)).catch(() => {});
      }
    },
    disagreement,
    summary: () => `${changes} rounds of changes, ${lists} lists seen`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

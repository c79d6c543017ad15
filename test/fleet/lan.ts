import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';

import { until } from '../support/until.ts';

const run = promisify(execFile);
const ip = async (...args: readonly string[]) => (await run('ip', args)).stdout;

/** A machine's place in the network: a namespace with one link to the bridge. */
export interface Host {
  readonly name: string;
  readonly address: string;
  /** What goes before a command that shall run there. */
  readonly prefix: readonly string[];
  /** From now on its packets vanish, both ways, and nobody is told. */
  cut(): Promise<void>;
  heal(): Promise<void>;
}

/** Disposing of it kills whatever still runs in its namespaces, and removes them and the bridge. */
export interface Lan extends AsyncDisposable {
  readonly hosts: readonly Host[];
}

/** Why there can be no network namespaces here; undefined when there can. */
export async function obstacle(): Promise<string | undefined> {
  const probe = `probe${randomInt(1_000_000)}`;
  try {
    await ip('netns', 'add', probe);
  } catch (error) {
    return (error as Error).message.trim();
  }
  const made = ip('-n', probe, 'link', 'add', 'bridge', 'type', 'bridge');
  const problem = await made.then(
    () => undefined,
    ({ message }: Error) => message.trim(),
  );
  await ip('netns', 'del', probe);
  return problem;
}

/** Makes a namespace for each name, all on one bridge, on which this machine has an address too. */
export async function createLan(names: readonly string[]): Promise<Lan> {
  const number = randomInt(4_096);
  const bridge = `fleet${number}`;
  const network = `10.${220 + (number >> 8)}.${number & 255}`;
  const spaces = names.map((name) => `${bridge}-${name}`);

  async function dispose(): Promise<void> {
    const there = (await ip('netns', 'list')).split('\n').map((line) => line.split(' ')[0]);
    await Promise.all(spaces.filter((space) => there.includes(space)).map(remove));
    await ip('link', 'del', bridge).catch(() => {});
  }

  async function join(name: string, index: number): Promise<Host> {
    const space = `${bridge}-${name}`;
    const link = `${bridge}l${index}`;
    const address = `${network}.${index + 1}`;
    await ip('netns', 'add', space);
    await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    await ip('link', 'set', link, 'master', bridge, 'up');
    await ip('-n', space, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) await ip('-n', space, 'link', 'set', device, 'up');
    return {
      name,
      address,
      prefix: ['ip', 'netns', 'exec', space],
      cut: async () => void (await ip('link', 'set', link, 'nomaster')),
      heal: async () => void (await ip('link', 'set', link, 'master', bridge)),
    };
  }

  try {
    await ip('link', 'add', bridge, 'type', 'bridge');
    await ip('addr', 'add', `${network}.254/24`, 'dev', bridge);
    await ip('link', 'set', bridge, 'up');
    const hosts: Host[] = [];
    for (const [index, name] of names.entries()) hosts.push(await join(name, index));
    return { hosts, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Whoever is in a namespace of ours was started by us, or by what we started. */
async function remove(space: string): Promise<void> {
  await until(async () => {
    const pids = (await ip('netns', 'pids', space)).split('\n').filter((pid) => pid !== '');
    for (const pid of pids) kill(Number(pid));
    return pids.length === 0;
  });
  await ip('netns', 'del', space);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the list and the signal.
  }
}

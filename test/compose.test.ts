import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { commandOf } from './support/daemon.ts';

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly hostname?: string;
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly networks: readonly string[] | Readonly<Record<string, { ipv4_address: string }>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
}

interface NerveFile {
  readonly instance_id: string;
  readonly zookeeper: { readonly hosts: readonly string[] };
  readonly services: { readonly web: { host: string; port: number; zk_path: string } };
}

interface SynapseFile {
  readonly zookeeper: { readonly hosts: readonly string[] };
  readonly services: {
    readonly web: { discovery: { path: string }; haproxy: { port: number } };
  };
  readonly haproxy: { readonly stats_address: string };
}

const read = async <Content>(path: string) =>
  parse(await readFile(path, 'utf8'), { merge: true }) as Content;
const { services, networks } = await read<{
  services: Readonly<Record<string, Service>>;
  networks: Readonly<Record<string, object>>;
}>('docker-compose.yml');
const zooKeepers = Object.entries(services).filter(([name]) => name.startsWith('zookeeper-'));
const machines = Object.entries(services).filter(([name]) => name.startsWith('machine-'));

test('docker-compose.yml has three ZooKeeper servers and two machines', () => {
  expect([zooKeepers.length, machines.length]).toEqual([3, 2]);
  expect(Object.keys(services).length).toBe(5);
});

test('docker compose accepts it, where docker compose is there', async () => {
  const compose = await execa('docker', ['compose', 'version'], { reject: false });
  if (compose.exitCode !== 0) return;
  const { exitCode, all } = await execa('docker', ['compose', 'config', '--quiet'], {
    reject: false,
    all: true,
  });
  expect(exitCode, all).toBe(0);
});

describe('the ZooKeeper ensemble', () => {
  const clientPorts = zooKeepers.map(([name]) => `${name}:2181`);

  test.for(zooKeepers)('%s is one of the servers that all agree on', ([name, service]) => {
    const own = name.replace('zookeeper-', '');
    expect(service.image).toMatch(/^zookeeper:\d+\.\d+$/);
    expect(`${service.environment?.ZOO_MY_ID}`).toBe(own);
    expect(`${service.environment?.ZOO_SERVERS}`.split(' ')).toEqual(
      zooKeepers.map(([peer], index) => `server.${index + 1}=${peer}:2888:3888;2181`),
    );
  });

  test.for(machines)('%s knows every server', async ([, service]) => {
    const { nerve, synapse } = await configurations(service);
    expect(nerve.zookeeper.hosts).toEqual(clientPorts);
    expect(synapse.zookeeper.hosts).toEqual(clientPorts);
    expect(service.depends_on).toEqual(zooKeepers.map(([name]) => name));
  });
});

describe.for(machines)('%s', ([name, service]) => {
  test('runs on files that are here', async () => {
    const sources = (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? '');
    const { context = '', dockerfile = '' } = service.build ?? {};
    await Promise.all([...sources, join(context, dockerfile)].map((path) => access(path)));
    expect(dirname(dockerfile)).toBe('examples/compose');
  });

  test('has configurations that its daemons accept', async () => {
    const { nerveFile, synapseFile } = await configurations(service);
    await execa(commandOf('nerve'), ['-k', '-c', nerveFile]);
    await execa(commandOf('synapse'), ['--check-config', '-c', synapseFile]);
  });

  test('announces the copy that it runs, at its own address, where synapse looks', async () => {
    const { nerve, synapse } = await configurations(service);
    const script = await readFile('examples/compose/machine.sh', 'utf8');
    const address = Object.entries(service.networks)[0];
    expect(Object.keys(networks)).toEqual([address?.[0]]);
    expect(nerve.instance_id).toBe(name);
    expect(service.hostname).toBe(name);
    expect(nerve.services.web.host).toBe(address?.[1].ipv4_address);
    expect(script).toContain(`--port ${nerve.services.web.port} `);
    expect(nerve.services.web.zk_path).toBe(synapse.services.web.discovery.path);
  });

  test("publishes HAProxy's ports on loopback", async () => {
    const { synapse } = await configurations(service);
    const published = (service.ports ?? []).map((port) => port.split(':'));
    expect(published.map(([host]) => host)).toEqual(['127.0.0.1', '127.0.0.1']);
    expect(published.map(([, , inside]) => inside)).toEqual([
      `${synapse.services.web.haproxy.port}`,
      synapse.haproxy.stats_address.split(':')[1],
    ]);
  });
});

test('no two machines publish one port, and the header names those that are published', async () => {
  const published = machines.flatMap(([, { ports = [] }]) => ports.map((port) => port.split(':')));
  const outside = published.map(([, port]) => port);
  expect(new Set(outside).size).toBe(4);
  const named = [...(await readFile('docker-compose.yml', 'utf8')).matchAll(/curl http.*:(\d+)/g)];
  for (const [, port] of named) expect(outside).toContain(port);
});

describe('examples/compose/Dockerfile', async () => {
  const dockerfile = await readFile('examples/compose/Dockerfile', 'utf8');
  const { engines } = JSON.parse(await readFile('package.json', 'utf8'));

  test("starts from the oldest Node.js that package.json allows, and has Debian's HAProxy", () => {
    const major = /^FROM node:(\d+)-bookworm-slim$/m.exec(dockerfile)?.[1];
    expect(engines.node).toMatch(new RegExp(`^>=${major}\\.`));
    expect(dockerfile).toMatch(/apt-get install -y --no-install-recommends haproxy /);
  });

  test('copies and runs what is here', async () => {
    const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(
      ([, sources]) => sources?.split(' ') ?? [],
    );
    const command = /^CMD (.+)$/m.exec(dockerfile)?.[1] ?? '';
    const [shell, script] = JSON.parse(command) as string[];
    await Promise.all(copied.map((path) => access(path)));
    expect(shell).toBe('bash');
    expect(copied).toContain(script);
    for (const [, name] of dockerfile.matchAll(/npm run (\w+)/g))
      expect(Object.keys(JSON.parse(await readFile('package.json', 'utf8')).scripts)).toContain(
        name,
      );
  });

  test('holds the programs and files that a machine starts', async () => {
    const script = await readFile('examples/compose/machine.sh', 'utf8');
    const commands = [...script.matchAll(/node_modules\/\.bin\/(\w+) -c (\S+)/g)];
    expect(commands.map(([, name]) => name)).toEqual(['nerve', 'synapse']);
    for (const [, name = ''] of commands) await access(join('packages', name, 'package.json'));
    for (const [, , file = ''] of commands)
      for (const [, { volumes = [] }] of machines)
        expect(volumes.map((volume) => volume.split(':')[1])).toContain(file);
    const service = /node (\S+)/.exec(script)?.[1] ?? '';
    await access(service);
    expect(dockerfile).toContain(`COPY ${dirname(service)} ${dirname(service)}`);
  });
});

/** The two files that a machine sees as its own. */
async function configurations({ volumes = [] }: Service) {
  const source = (name: string) =>
    volumes.find((volume) => volume.endsWith(`/${name}.yaml:ro`))?.split(':')[0] ?? '';
  const [nerveFile, synapseFile] = [source('nerve'), source('synapse')];
  return {
    nerveFile,
    synapseFile,
    nerve: await read<NerveFile>(nerveFile),
    synapse: await read<SynapseFile>(synapseFile),
  };
}

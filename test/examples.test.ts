import { access, chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { commandOf, runDaemonOn } from './support/daemon.ts';
import { ask, copyExample, startService, statusOf } from './support/example.ts';
import { freePort } from './support/ports.ts';
import { createScratch, type Scratch } from './support/scratch.ts';
import { until } from './support/until.ts';
import { startZooKeeper, type ZooKeeper } from './support/zookeeper.ts';

const folders = (await readdir('examples', { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const files = (await readdir('examples', { recursive: true })).map((name) => `examples/${name}`);

describe.for(folders)('examples/%s', (folder) => {
  test('has a README whose files exist', async () => {
    const readme = await readFile(`examples/${folder}/README.md`, 'utf8');
    const named = [...readme.matchAll(/examples\/[\w./-]+/g)].map(([name]) => name);
    const linked = [...readme.matchAll(/\]\((\.\.?\/[\w./-]+)\)/g)].map(([, name]) => name ?? '');
    for (const name of named) expect(files).toContain(name);
    await Promise.all(linked.map((name) => access(join('examples', folder, name))));
  });
});

describe('every configuration in examples/', () => {
  const configurations = files.flatMap((file): [string, 'nerve' | 'synapse'][] => {
    const daemon = /\/(nerve|synapse)[^/]*\.(yaml|json)$/.exec(file)?.[1];
    return daemon === 'nerve' || daemon === 'synapse' ? [[file, daemon]] : [];
  });

  test.for(configurations)(
    '%s is valid, once its certificates are there',
    async ([file, daemon]) => {
      await using scratch = await createScratch();
      const text = await readFile(file, 'utf8');
      const tls = scratch.path('tls');
      const isSecret = text.includes('/etc/smartstack/tls');
      if (isSecret) await execa('bash', ['examples/mutual-tls/certificates.sh', tls]);
      const judged = isSecret
        ? await copyExample(file, scratch, { '/etc/smartstack/tls': tls })
        : file;
      const { exitCode, all } = await execa(commandOf(daemon), ['--check-config', '-c', judged], {
        reject: false,
        all: true,
      });
      expect(exitCode, all).toBe(0);
    },
  );
});

describe('the examples at work', () => {
  let zooKeeper: ZooKeeper;
  beforeAll(async () => {
    zooKeeper = await startZooKeeper();
  });
  afterAll(() => zooKeeper[Symbol.asyncDispose]());

  test.for(['vm', 'file-registry'])(
    '%s: a request to the local port reaches the service',
    async (folder) => {
      await using scratch = await createScratch();
      const [local, own] = [await freePort(), await freePort()];
      const changes = {
        3213: local,
        8001: own,
        'zk1.example:2181, zk2.example:2181, zk3.example:2181': zooKeeper.hosts,
        '10.0.0.1': '127.0.0.1',
        '/var/lib/smartstack/registry': scratch.path('registry'),
      };
      const nerveFile = await copyExample(`examples/${folder}/nerve.yaml`, scratch, changes);
      const synapseFile = await copyExample(`examples/${folder}/synapse.yaml`, scratch, changes, [
        `haproxy: {run_directory: ${scratch.path('run')}, stats_address: false, on_exit: stop}`,
      ]);
      await using _service = await startService('web-1', own);
      await using _nerve = runDaemonOn('nerve', nerveFile);
      await using _synapse = runDaemonOn('synapse', synapseFile);
      expect(await until(() => ask(local))).toBe('web-1');
    },
  );

  test('what nerve init and synapse init write joins an app to a service', async () => {
    await using scratch = await createScratch();
    const [local, own] = [await freePort(), await freePort()];
    for (const name of ['nerve', 'synapse'] as const)
      await execa(commandOf(name), ['init', scratch.path(`written-${name}.yaml`)]);
    const written = await readFile(scratch.path('written-nerve.yaml'), 'utf8');
    const [, registry = ''] = /directory: "(.*)"/.exec(written) ?? [];
    const changes = { 3213: local, 8001: own, [registry]: scratch.path('registry') };
    const nerveFile = await copyExample(scratch.path('written-nerve.yaml'), scratch, changes, [
      `state_directory: ${scratch.path('state')}`,
    ]);
    const synapseFile = await copyExample(scratch.path('written-synapse.yaml'), scratch, changes, [
      `haproxy: {run_directory: ${scratch.path('run')}, stats_address: false, on_exit: stop}`,
    ]);
    await using _service = await startService('web-1', own);
    await using _nerve = runDaemonOn('nerve', nerveFile);
    await using _synapse = runDaemonOn('synapse', synapseFile);
    expect(await until(() => ask(local))).toBe('web-1');
  });

  test('airbnb: JSON of the originals announces and serves both services', async () => {
    await using scratch = await createScratch();
    const [http, tcp] = [await freePort(), await freePort()];
    const [ownHttp, ownTcp] = [await freePort(), await freePort()];
    const manager = await writeServiceManager(scratch);
    const changes = {
      3212: await freePort(),
      3213: http,
      3214: tcp,
      8001: ownHttp,
      8002: ownTcp,
      'localhost:2181': zooKeeper.hosts,
      '/etc/haproxy': scratch.directory,
      '/var/haproxy': scratch.directory,
      'service haproxy reload': `${manager} reload`,
    };
    const nerveFile = await copyExample('examples/airbnb/nerve.conf.json', scratch, changes);
    const synapseFile = await copyExample('examples/airbnb/synapse.conf.json', scratch, changes);
    await using _http = await startService('http-1', ownHttp);
    await using _tcp = await startService('tcp-1', ownTcp);
    await using _nerve = runDaemonOn('nerve', nerveFile);
    await using _haproxy = {
      [Symbol.asyncDispose]: async () => void (await execa(manager, ['stop'])),
    };
    await using _synapse = runDaemonOn('synapse', synapseFile);
    expect(await until(() => ask(http))).toBe('http-1');
    expect(await until(() => ask(tcp))).toBe('tcp-1');
  });
});

describe('examples/http-service', () => {
  test('leaves without losing a request: unhealthy first, gone later', async () => {
    const port = await freePort();
    await using service = await startService('web-1', port, 500);
    expect(await ask(port, '/health')).toBe('ok');
    service.leave();
    await until(async () => (await statusOf(port, '/health')) === 503);
    expect(await ask(port)).toBe('web-1');
    expect(await service.ended).toMatchObject({ exitCode: 0 });
  });
});

/** What a machine's service manager does with HAProxy, for the file in the scratch folder. */
async function writeServiceManager(scratch: Scratch): Promise<string> {
  const path = scratch.path('manager');
  const [pid, config] = [scratch.path('haproxy.pid'), scratch.path('haproxy.cfg')];
  await writeFile(
    path,
    `#!/bin/sh
case $1 in
  reload) if [ -e ${pid} ]; then kill -USR2 "$(cat ${pid})"; else haproxy -W -D -p ${pid} -f ${config}; fi ;;
  stop) [ ! -e ${pid} ] || kill "$(cat ${pid})" ;;
esac
`,
  );
  await chmod(path, 0o755);
  return path;
}

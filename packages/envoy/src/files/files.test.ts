import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Instance } from '@smartstack/registry';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { createResources } from '../resources/resources.ts';
import { options, snapshotOf, type Written } from '../resources/service.fixture.ts';
import { createFiles } from './files.ts';

const member = (host: string): Instance => ({ host, port: 80 });
const web: Written = { members: [member('10.0.0.1')], port: 3000 };
const db: Written = { members: [member('10.0.0.2')], protocol: 'tcp' };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'envoy-files-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** Writes what services come to, as one synapse does. */
function createWriter(folder = directory) {
  const make = createResources(options);
  const files = createFiles(folder);
  return {
    recheck: () => files.recheck(),
    write: (services: Readonly<Record<string, Written>>) =>
      files.write(make(snapshotOf(services)).resources),
  };
}

async function contentOf(...path: string[]) {
  const response = JSON.parse(await readFile(join(directory, ...path), 'utf8'));
  return { names: response.resources.map(nameOf), ...response };
}

const nameOf = (one: { name?: string; cluster_name?: string }) => one.name ?? one.cluster_name;
const endpointFiles = async () => (await readdir(join(directory, 'eds'))).sort();
/** Another one after a file was moved to its place. */
const fileAt = async (...path: string[]) => (await stat(join(directory, ...path))).ino;

test('clusters are one file, and the endpoints of each another', async () => {
  await createWriter().write({ web, db });
  const { names, type_url, resources } = await contentOf('cds.json');
  expect(names).toEqual(['db', 'web']);
  expect(type_url).toBe('type.googleapis.com/envoy.config.cluster.v3.Cluster');
  expect(resources[1].eds_cluster_config).toEqual({
    eds_config: {
      path_config_source: { path: join(directory, 'eds', 'web.json') },
      resource_api_version: 'V3',
    },
  });
  expect(await endpointFiles()).toEqual(['db.json', 'web.json']);
  expect(await contentOf('eds', 'web.json')).toMatchObject({
    names: ['web'],
    type_url: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
    resources: [
      {
        endpoints: [
          {
            lb_endpoints: [
              {
                endpoint: {
                  address: { socket_address: { address: '10.0.0.1', port_value: 80 } },
                },
              },
            ],
          },
        ],
      },
    ],
  });
});

test('a change of members rewrites the endpoints of their service alone', async () => {
  const { write } = createWriter();
  await write({ web, db });
  const before = [await fileAt('cds.json'), await fileAt('eds', 'db.json')];
  const endpoints = await fileAt('eds', 'web.json');
  await write({ web: { ...web, members: [member('10.0.0.3')] }, db });
  expect([await fileAt('cds.json'), await fileAt('eds', 'db.json')]).toEqual(before);
  expect(await fileAt('eds', 'web.json')).not.toBe(endpoints);
});

test('the next synapse rewrites nothing that is the same', async () => {
  await createWriter().write({ web, db });
  const before = [await fileAt('cds.json'), await fileAt('eds', 'db.json')];
  await createWriter().write({ web, db });
  expect([await fileAt('cds.json'), await fileAt('eds', 'db.json')]).toEqual(before);
});

test('files of services that are gone are removed, and what a crash left; others stay', async () => {
  const { write } = createWriter();
  await write({ web, db });
  await writeFile(join(directory, 'eds', '.db.json.0123456789ab'), '');
  await writeFile(join(directory, 'eds', 'README'), '');
  await write({ web });
  expect((await contentOf('cds.json')).names).toEqual(['web']);
  expect(await endpointFiles()).toEqual(['README', 'web.json']);
});

test('where members are unknown those of the last run stand; a cluster without any is left out', async () => {
  await createWriter().write({ web });
  const unknown: Written = { ...web, members: undefined };
  await createWriter().write({ web: unknown, other: unknown });
  expect((await contentOf('cds.json')).names).toEqual(['web']);
  expect((await contentOf('eds', 'web.json')).resources[0].endpoints).toHaveLength(1);
});

test('a service without members has a file that says so', async () => {
  await createWriter().write({ web: { ...web, members: [] } });
  const [{ endpoints = [] }] = (await contentOf('eds', 'web.json')).resources;
  expect(endpoints).toEqual([]);
});

test.each([
  ['web', 'web.json'],
  ['team/web', 'team%2Fweb.json'],
  ['.web', '%2Eweb.json'],
  ['wéb', 'w%C3%A9b.json'],
  ['a'.repeat(300), /^a{183}\.[0-9a-f]{16}\.json$/],
])('the file of %s', async (service, file) => {
  await createWriter().write({ [service]: web });
  const [name = ''] = await endpointFiles();
  expect(name).toMatch(file);
  expect((await contentOf('cds.json')).resources[0].eds_cluster_config.eds_config).toMatchObject({
    path_config_source: { path: join(directory, 'eds', name) },
  });
});

test('files that somebody else changed or removed are as they should be after the next check', async () => {
  const { write, recheck } = createWriter();
  await write({ web, db });
  await writeFile(join(directory, 'cds.json'), '{}');
  await rm(join(directory, 'eds', 'web.json'));
  recheck();
  await write({ web, db });
  expect((await contentOf('cds.json')).names).toEqual(['db', 'web']);
  expect(await endpointFiles()).toEqual(['db.json', 'web.json']);
});

test('a file that cannot be written is said; all others are written, clusters stay, and it is tried again', async () => {
  const { write } = createWriter();
  await write({ db });
  // Stands for a full disk: the file cannot be moved to its place.
  const taken = join(directory, 'eds', 'web.json');
  await mkdir(taken);
  const other = { ...db, members: [member('10.0.0.9')] };
  await expect(write({ web, db: other })).rejects.toThrow(`cannot write ${taken}: `);
  expect((await contentOf('cds.json')).names).toEqual(['db']);
  expect(JSON.stringify(await contentOf('eds', 'db.json'))).toContain('10.0.0.9');
  await rm(taken, { recursive: true });
  await write({ web, db: other });
  expect((await contentOf('cds.json')).names).toEqual(['db', 'web']);
});

test('a folder that cannot be made is said, and made once it can be', async () => {
  const parent = join(directory, 'later');
  await writeFile(parent, 'a file');
  const { write } = createWriter(join(parent, 'envoy'));
  await expect(write({ web })).rejects.toThrow(`${parent}`);
  await rm(parent);
  await write({ web });
  expect(await readdir(join(parent, 'envoy'))).toEqual(['cds.json', 'eds']);
});

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeInstance, type Instance, isBadRecord } from '@smartstack/registry';
import { parse, stringify } from 'yaml';

import { type Resource, type ResourceSnapshot, resourceTypes } from '../xds/resource.ts';
import { jsonOf } from './json.ts';
import { createResources, type Made } from './resources.ts';
import { options, snapshotOf, type Written } from './service.fixture.ts';

/**
 * Golden files: services as users write them (`members` stand for what the registry holds, `leaving` for who left), a
 * line of dashes, then the resources that Envoy gets.
 */
const folder = join(import.meta.dirname, 'golden');
const separator = '\n----------\n';

export const goldenFiles = readdirSync(folder);

interface Input {
  readonly access_log?: string;
  readonly services: Readonly<Record<string, InputService>>;
}

interface InputService extends Omit<Written, 'members'> {
  readonly members?: readonly unknown[];
  readonly leaving?: readonly unknown[];
}

/** A golden file: what it comes to today, what it is to come to, and how that is written. */
export function golden(name: string) {
  const path = join(folder, name);
  const [input = '', expected] = readFileSync(path, 'utf8').split(separator);
  const made = madeOf(parse(input) as Input);
  return {
    made,
    expected,
    text: textOf(made),
    update: (text: string) => writeFileSync(path, `${input}${separator}${text}`),
  };
}

function madeOf({ access_log: file, services }: Input): Made {
  const leaving = new Map(
    Object.entries(services).map(([name, { leaving = [] }]) => [name, instancesOf(leaving)]),
  );
  const written = Object.entries(services).map(
    ([name, { members, ...service }]): [string, Written] => [
      name,
      { ...service, members: members && instancesOf(members) },
    ],
  );
  const make = createResources({ ...options, target: { file } });
  return make(snapshotOf(Object.fromEntries(written)), leaving);
}

function instancesOf(members: readonly unknown[]): readonly Instance[] {
  return members
    .map((one) => decodeInstance('id', Buffer.from(JSON.stringify(one))))
    .flatMap((one) => (isBadRecord(one) ? [] : [one]));
}

function textOf({ resources, refused, unresolved, unknown }: Made): string {
  const problems = { refused, unresolved, unknown };
  const all = Object.fromEntries(resourceTypes.map((type) => [type, shown(resources, type)]));
  const some = Object.entries(problems).filter(([, list]) => list.length > 0);
  return stringify({ ...all, ...Object.fromEntries(some) }, { aliasDuplicateObjects: false });
}

const shown = (resources: ResourceSnapshot, type: Resource['type']) =>
  [...resources[type].values()].map(jsonOf);

import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  ScalarType,
} from '@bufbuild/protobuf';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';

/**
 * What our set of messages may have that the published definitions here have not: these are as old as gRPC's package. A
 * test with the real Envoy holds it to the names and numbers.
 */
const newer = new Set([
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit.rate_limits',
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit.max_dynamic_descriptors',
]);

const require = createRequire(import.meta.url);
const folder = join(import.meta.dirname, 'proto');
const published = load(publishedFolders());
const written = load([join(import.meta.dirname, '../proto')]);

const files = await Promise.all(
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('_pb.ts'))
    .map(async (file) => {
      const module = (await import(join(folder, file))) as Readonly<Record<string, unknown>>;
      const desc = Object.values(module).find(isFile);
      if (!desc) throw new Error(`no file descriptor in ${file}`);
      return desc;
    }),
);

describe('our messages are the published ones', () => {
  test.each(files.map((file) => [file.name, file] as const))('%s', async (name, file) => {
    await published.load([`${name}.proto`], { keepCase: true });
    published.resolveAll();
    const all = typesIn(file);
    expect(all.length).toBeGreaterThan(0);
    for (const type of all) {
      if (type.kind === 'message') checkMessage(type);
      if (type.kind === 'enum') checkEnum(type);
    }
  });
});

describe('what is generated is what is written', () => {
  test.each(files.map((file) => [file.name, file] as const))('%s', async (name, file) => {
    await written.load([`${name}.proto`], { keepCase: true });
    written.resolveAll();
    for (const type of typesIn(file))
      if (type.kind === 'message') checkWritten(type);
      else {
        const values = type.values.map((value) => [value.name, value.number]);
        expect(Object.fromEntries(values)).toEqual(written.lookupEnum(type.typeName).values);
      }
  });
});

function isFile(value: unknown): value is DescFile {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'file';
}

type Types = readonly (DescMessage | DescEnum)[];

/** A file's types, with those that stand in others. */
function typesIn({ messages, enums }: Pick<DescFile, 'messages' | 'enums'>): Types {
  return [...enums, ...messages.flatMap((message) => [message, ...below(message)])];
}

function below({ nestedMessages: messages, nestedEnums: enums }: DescMessage): Types {
  return typesIn({ messages: messages.filter(({ proto }) => !proto.options?.mapEntry), enums });
}

function checkMessage(desc: DescMessage): void {
  const type = published.lookupType(desc.typeName);
  for (const field of desc.fields) {
    const name = `${desc.typeName}.${field.name}`;
    if (newer.has(name)) continue;
    const other = type.fields[field.name];
    expect(other && factsOf(other), name).toEqual(ownFactsOf(field));
  }
}

function checkWritten(desc: DescMessage): void {
  const { fields } = written.lookupType(desc.typeName);
  const ours = desc.fields.map((field) => [field.name, ownFactsOf(field)]);
  const theirs = Object.values(fields).map((field) => [field.name, factsOf(field)]);
  expect(Object.fromEntries(ours), desc.typeName).toEqual(Object.fromEntries(theirs));
}

function checkEnum(desc: DescEnum): void {
  const { values } = published.lookupEnum(desc.typeName);
  for (const { name, number } of desc.values)
    expect(values[name], `${desc.typeName}.${name}`).toBe(number);
}

function ownFactsOf(field: DescField) {
  const isMap = field.fieldKind === 'map';
  return {
    id: field.number,
    type: typeOf(isMap ? (field.message ?? field.enum ?? field.scalar) : typeDescOf(field)),
    repeated: field.fieldKind === 'list',
    key: isMap ? scalarName(field.mapKey) : undefined,
    oneof: field.oneof?.name,
  };
}

function typeDescOf(field: DescField) {
  return field.message ?? field.enum ?? field.scalar;
}

function typeOf(type: DescMessage | DescEnum | ScalarType | undefined) {
  return typeof type === 'object' ? type.typeName : scalarName(type);
}

function scalarName(type: ScalarType | undefined) {
  return type === undefined ? undefined : ScalarType[type].toLowerCase();
}

function factsOf(field: protobuf.Field) {
  field.resolve();
  return {
    id: field.id,
    type: field.resolvedType ? field.resolvedType.fullName.slice(1) : field.type,
    repeated: field.repeated,
    key: field instanceof protobuf.MapField ? field.keyType : undefined,
    oneof: field.partOf && !field.partOf.name.startsWith('_') ? field.partOf.name : undefined,
  };
}

/** Where the definitions are that gRPC's own xDS client comes with, a development dependency. */
function publishedFolders(): readonly string[] {
  const deps = join(dirname(require.resolve('@grpc/grpc-js-xds/package.json')), 'deps');
  return readdirSync(deps).map((each) => join(deps, each));
}

function load(folders: readonly string[]): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) =>
    folders.map((each) => join(each, target)).find((path) => existsSync(path)) ??
    join(dirname(require.resolve('protobufjs/package.json')), target);
  return root;
}

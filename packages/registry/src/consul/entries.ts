import { z } from 'zod';

import type { RegistryRecord } from '../instance/record.ts';
import { healthOf } from './health.ts';

/** One instance as Consul has it: what is mapped to a member. */
export interface ConsulRecord {
  readonly node: string;
  readonly datacenter: string;
  readonly nodeAddress: string;
  readonly nodeMeta: Readonly<Record<string, string>>;
  readonly nodeAddresses: Readonly<Record<string, string>>;
  readonly id: string;
  readonly service: string;
  readonly address: string;
  readonly port: number;
  readonly addresses: Readonly<Record<string, { readonly Address: string; readonly Port: number }>>;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  readonly weights: { readonly Passing: number; readonly Warning: number };
  readonly modifyIndex: number;
  readonly status: ReturnType<typeof healthOf>['status'];
  readonly why: string;
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '');
const number = z
  .number()
  .nullish()
  .transform((value) => value ?? 0);
const record = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

const entry = z.object({
  Node: z.object({
    Node: z.string(),
    Address: text,
    Datacenter: text,
    Meta: record,
    TaggedAddresses: record,
  }),
  Service: z.object({
    ID: z.string(),
    Service: z.string(),
    Tags: z.array(z.string()).nullish(),
    Address: text,
    Port: number,
    Meta: record,
    TaggedAddresses: z
      .record(z.string(), z.object({ Address: z.string(), Port: number }))
      .nullish(),
    Weights: z.object({ Passing: z.number(), Warning: z.number() }).nullish(),
    ModifyIndex: number,
  }),
  Checks: z
    .array(
      z.object({
        CheckID: z.string(),
        Name: z.string().nullish(),
        Status: z.string(),
        Output: z.string().nullish(),
        Notes: z.string().nullish(),
      }),
    )
    .nullish(),
});

/**
 * Reads the entries of one service, each as a record whose buffer stays the same object while it says the same. Throws
 * where the answer is no list, or one of another service; an entry that cannot be read is a record that says so.
 */
export function createEntryReader(): (body: unknown, service: string) => readonly RegistryRecord[] {
  let before: ReadonlyMap<string, { readonly json: string; readonly data: Buffer }> = new Map();
  return (body, service) => {
    if (!Array.isArray(body)) throw new Error(`cannot read ${service}: the answer is no list`);
    const now = new Map<string, { readonly json: string; readonly data: Buffer }>();
    const records = body.map((item: unknown, index) => {
      const { id, json } = read(item, index, service);
      const known = before.get(id);
      const kept = known?.json === json ? known : { json, data: Buffer.from(json) };
      now.set(id, kept);
      return { id, data: kept.data };
    });
    before = now;
    return records;
  };
}

function read(item: unknown, index: number, wanted: string) {
  const parsed = entry.safeParse(item);
  if (!parsed.success) return { id: `entry ${index}`, json: '{}' };
  const { Node: node, Service: service, Checks: checks } = parsed.data;
  if (service.Service.toLowerCase() !== wanted.toLowerCase())
    throw new Error(`cannot read ${wanted}: the answer is of ${service.Service.slice(0, 100)}`);
  const read: ConsulRecord = {
    node: node.Node,
    datacenter: node.Datacenter,
    nodeAddress: node.Address,
    nodeMeta: node.Meta,
    nodeAddresses: node.TaggedAddresses,
    id: service.ID,
    service: service.Service,
    address: service.Address,
    port: service.Port,
    addresses: service.TaggedAddresses ?? {},
    tags: service.Tags ?? [],
    meta: service.Meta,
    weights: service.Weights ?? { Passing: 1, Warning: 1 },
    modifyIndex: service.ModifyIndex,
    ...healthOf(checks ?? []),
  };
  return { id: `${node.Node}/${service.ID}`, json: JSON.stringify(read) };
}

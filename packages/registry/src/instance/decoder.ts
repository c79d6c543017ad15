import type { Log, Metrics } from '@smartstack/daemon';

import {
  type BadRecord,
  decodeInstance,
  type Instance,
  isBadRecord,
  oddFieldsOf,
} from './instance.ts';
import type { RecordDecoder, RegistryRecord } from './record.ts';
import { withSource } from './source.ts';

export interface DecoderDeps {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A record's data with its instance, or with why it is none. */
interface Decoded {
  readonly data: Buffer;
  readonly instance: Instance | undefined;
  readonly bad: BadRecord | undefined;
}

const left = new WeakMap<readonly Instance[], readonly BadRecord[]>();

/** The records that were left out of a list that a registry yielded, since they could not be read. */
export function badRecordsOf(list: readonly Instance[]): readonly BadRecord[] {
  return left.get(list) ?? [];
}

/** The list, with these records noted as left out of it. */
export function withBadRecords(
  list: readonly Instance[],
  records: readonly BadRecord[],
): readonly Instance[] {
  if (records.length > 0) left.set(list, records);
  return list;
}

const badRecords = {
  name: 'smartstack_registry_bad_records_total',
  help: 'Records in the registry that are no instance and were left out',
  labels: ['path'],
} as const;
const oddFields = {
  name: 'smartstack_registry_odd_fields_total',
  help: 'Optional fields of records in the registry that were put right or ignored; their members are served',
  labels: ['path'],
} as const;

/** A function that counts and logs a list's bad records, those that were in the list before not again. */
export function createBadRecordLog(
  path: string,
  { log, metrics }: DecoderDeps,
): (records: readonly BadRecord[]) => void {
  const refused = metrics.counter(badRecords);
  let reported: ReadonlySet<string> = new Set();
  return (records) => {
    const bad = new Set<string>();
    for (const { id, reason, isUsual } of records) {
      const key = `${id} ${reason}`;
      if (isUsual) continue;
      bad.add(key);
      if (reported.has(key)) continue;
      refused.inc({ path });
      const fix = 'find out who announced it: the others are served';
      log.warn({ path, record: id, reason, fix }, 'bad registry record left out');
    }
    reported = bad;
  };
}

/**
 * A function from a path's records to its instances. A bad record is left out, counted once and logged
 * once for as long as it stands unchanged; records whose buffer was seen before are not parsed again.
 * `placeOf` says where a record stands, for `explain`.
 */
export function createDecoder<Place extends RegistryRecord = RegistryRecord>(
  path: string,
  { log, metrics }: DecoderDeps,
  decodeRecord: RecordDecoder = decodeInstance,
  placeOf?: (record: Place) => string,
) {
  const reportBad = createBadRecordLog(path, { log, metrics });
  const odd = metrics.counter(oddFields);
  const known = new WeakMap<Buffer, Decoded>();
  /** The last list's records: most of the next list are the same, in the same order. */
  let last: readonly Decoded[] = [];

  function decode(record: Place): Decoded {
    const { id, data } = record;
    const before = known.get(data);
    if (before) return before;
    const read = decodeRecord(id, data);
    const decoded = isBadRecord(read)
      ? { data, instance: undefined, bad: read }
      : { data, instance: read, bad: undefined };
    known.set(data, decoded);
    if (decoded.instance) reportOdd(id, oddFieldsOf(decoded.instance));
    if (decoded.instance && placeOf) withSource(decoded.instance, placeOf(record));
    return decoded;
  }

  /** Logged once until the record is written again. */
  function reportOdd(id: string, fields: readonly string[]): void {
    for (const field of fields) {
      odd.inc({ path });
      log.warn(
        { path, record: id, field, fix: 'find out who announced it: the member is served' },
        'odd field of a registry record',
      );
    }
  }

  return (records: Iterable<Place>): readonly Instance[] => {
    const instances: Instance[] = [];
    const unreadable: BadRecord[] = [];
    const now: Decoded[] = [];
    let at = 0;
    for (const record of records) {
      const { data } = record;
      if (last[at]?.data !== data && last[at + 1]?.data === data) at += 1;
      const before = last[at]?.data === data ? last[at++] : undefined;
      const one = before ?? decode(record);
      now.push(one);
      if (one.instance) instances.push(one.instance);
      if (one.bad) unreadable.push(one.bad);
    }
    reportBad(unreadable);
    last = now;
    return withBadRecords(instances, unreadable);
  };
}

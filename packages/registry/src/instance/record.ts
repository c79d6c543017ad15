import type { BadRecord, Instance } from './instance.ts';

/** One record as a registry holds it. */
export interface RegistryRecord {
  readonly id: string;
  readonly data: Buffer;
}

/** Parses an untrusted record; never throws. */
export type RecordDecoder = (id: string, data: Buffer) => Instance | BadRecord;

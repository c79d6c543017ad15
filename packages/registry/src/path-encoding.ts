import { decodeInstance, type Instance, isBadRecord } from './instance/instance.ts';
import type { RecordDecoder } from './instance/record.ts';

/**
 * What a path-encoded name carries: nerve writes `base64_<length>_<url-safe base64 of the record>_<seq>`,
 * so that readers need not read the record. Undefined where the name carries no good record.
 */
export function instanceOfName(id: string): Instance | undefined {
  const [, length = '', rest = ''] = /^base64_(\d{1,6})_(.*)$/s.exec(id) ?? [];
  const text = rest.slice(0, Number(length));
  if (text === '' || !/^[A-Za-z0-9_-]+={0,2}$/.test(text)) return undefined;
  const instance = decodeInstance(id, Buffer.from(text, 'base64url'));
  return isBadRecord(instance) ? undefined : instance;
}

/** A decoder that takes what the name carries, and asks the other one where that is nothing. */
export function namesFirst(decode: RecordDecoder): RecordDecoder {
  return (id, data) => instanceOfName(id) ?? decode(id, data);
}

import { isIP } from 'node:net';

/** What was read of a record's optional field: a value, or none, and what was odd about it. */
export interface Field<T> {
  readonly value?: T;
  readonly odd?: string;
}

/** A host as others write it, too: `[v6]` without its brackets, a name without its last dot. */
export function plainHost(text: string): string {
  if (text.startsWith('[') && text.endsWith(']') && isIP(text.slice(1, -1)) === 6)
    return text.slice(1, -1);
  return text.endsWith('.') && isIP(text.slice(0, -1)) === 0 ? text.slice(0, -1) : text;
}

/** A name; characters that no proxy's name may have become `_`. */
export function readName(written: unknown): Field<string> {
  if (written === '') return {};
  const text = typeof written === 'number' ? String(written) : written;
  if (typeof text !== 'string' || text.length > 1024) return { odd: 'name ignored' };
  const value = text.replaceAll(/[^\x21-\x7e]/gu, '_');
  return value === text ? { value } : { value, odd: `name read as ${value}` };
}

/** A weight: a whole number from 0, also as text; a fraction is rounded, but not to nothing. */
export function readWeight(written: unknown): Field<number> {
  if (Number.isSafeInteger(written) && Number(written) >= 0) return { value: Number(written) };
  const isText = typeof written === 'string' && /^\d+(?:\.\d+)?$/.test(written);
  const number = isText || typeof written === 'number' ? Number(written) : Number.NaN;
  const value = number > 0 ? Math.max(1, Math.round(number)) : number;
  return Number.isSafeInteger(value) && value >= 0
    ? { value, odd: `weight read as ${value}` }
    : { odd: 'weight ignored' };
}

/** Labels: a mapping of text, numbers and booleans; others of its values are left out. */
export function readLabels(written: unknown): Field<Readonly<Record<string, string>>> {
  if (typeof written !== 'object' || written === null || Array.isArray(written))
    return { odd: 'labels ignored' };
  const entries = Object.entries(written);
  const good = entries.filter(([, value]) =>
    ['string', 'number', 'boolean'].includes(typeof value),
  );
  const value = Object.fromEntries(good.map(([label, each]) => [label, String(each)]));
  if (good.length === entries.length) return { value };
  const left = entries.filter((entry) => !good.includes(entry)).map(([label]) => label);
  return {
    value,
    odd: `label${left.length > 1 ? 's' : ''} ${left.join(', ').slice(0, 100)} ignored`,
  };
}

/** Raw words of a server line: text of at most 4,096 characters. */
export function readServerOptions(written: unknown): Field<string> {
  return typeof written === 'string' && written.length <= 4096
    ? { value: written }
    : { odd: 'haproxy_server_options ignored' };
}

/** The id of a server: a whole number that a proxy takes, also as text, as Ruby took it. */
export function readServerId(written: unknown): Field<number> {
  const isText = typeof written === 'string' && /^\d{1,10}$/.test(written);
  const value = isText ? Number(written) : written;
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 2_147_483_647
    ? { value: Number(value) }
    : { odd: 'haproxy_server_id ignored' };
}

import {
  type BadRecord,
  decodeInstance,
  type Instance,
  instanceFrom,
} from '../instance/instance.ts';
import type { RecordDecoder } from '../instance/record.ts';

/** nerve's JSON, or a plain `host:port` whose member has the key's name. */
export const nerveOrAddress: RecordDecoder = (id, data) => {
  const text = data.toString().trim();
  return text.startsWith('{') || text === '' ? decodeInstance(id, data) : addressOf(id, text);
};

/** Where JSON that is not nerve's has what a member needs; each a key, or keys with dots between them. */
export interface JsonKeys {
  /** Holds `host:port`. */
  readonly address?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly name?: string | undefined;
  readonly weight?: string | undefined;
  readonly labels?: string | undefined;
}

/** Reads JSON by other keys than nerve's. The member has the key's name where nothing else is said. */
export function jsonDecoder(keys: JsonKeys): RecordDecoder {
  return (id, data) => {
    let json: unknown;
    try {
      json = JSON.parse(data.toString());
    } catch {
      return { id, reason: data.length === 0 ? 'empty' : 'not JSON' };
    }
    const at = (path: string | undefined) =>
      path === undefined ? undefined : path.split('.').reduce(child, json);
    const rest = { name: at(keys.name) ?? id, weight: at(keys.weight), labels: at(keys.labels) };
    if (keys.address === undefined)
      return instanceFrom(id, {
        host: at(keys.host ?? 'host'),
        port: at(keys.port ?? 'port'),
        ...rest,
      });
    const address = at(keys.address);
    return typeof address === 'string'
      ? addressOf(id, address, rest)
      : { id, reason: `no ${keys.address}` };
  };
}

const child = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;

function addressOf(id: string, text: string, rest: object = { name: id }): Instance | BadRecord {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined) return { id, reason: 'neither JSON nor host:port' };
  return instanceFrom(id, { host, port, ...rest });
}

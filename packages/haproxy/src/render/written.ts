import type { Section } from './layout.ts';
import type { Server } from './server.ts';

/** A server as a file that synapse wrote has it. */
export interface Written {
  readonly server: Server;
  readonly id: number;
  readonly line: string;
}

/** What can be read back of a file that synapse wrote. */
export interface WrittenFile {
  readonly pieces: readonly string[];
  readonly text: string;
  readonly shape: string | undefined;
  readonly backends: ReadonlyMap<string, ReadonlyMap<string, Written>>;
  /** All servers by name; a name that is in many backends has one address in each. */
  readonly servers: ReadonlyMap<string, Server>;
  readonly sections: readonly Section[];
}

/**
 * Reads a file that synapse wrote, also an older one, whole or in pieces of whole lines; lines that it did
 * not write are not servers. It is parsed when first asked for: most files are written, and never read.
 */
export function readWritten(file: string | readonly string[]): WrittenFile {
  const pieces = typeof file === 'string' ? [file] : file;
  let parsed: Parsed | undefined;
  const read = () => {
    parsed ??= parse(pieces.join(''));
    return parsed;
  };
  return {
    pieces,
    get text() {
      return pieces.join('');
    },
    shape: shapeIn(pieces),
    get backends() {
      return read().backends;
    },
    get servers() {
      return read().servers;
    },
    get sections() {
      return read().sections;
    },
  };
}

/** Whether two files have the same text. */
export function isSameText(one: readonly string[], other: readonly string[]): boolean {
  if (one.length === other.length && one.every((piece, at) => piece === other[at])) return true;
  return one.length !== other.length && one.join('') === other.join('');
}

function shapeIn(pieces: readonly string[]): string | undefined {
  for (const piece of pieces) {
    const [, shape] = /^\tsetenv SYNAPSE_SHAPE (\w+)$/m.exec(piece) ?? [];
    if (shape !== undefined) return shape;
  }
  return undefined;
}

type Parsed = Pick<WrittenFile, 'backends' | 'servers' | 'sections'>;

function parse(text: string): Parsed {
  const backends = new Map<string, Map<string, Written>>();
  const sections: { readonly title: string; readonly lines: string[] }[] = [];
  let current: Map<string, Written> | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    if (raw !== '' && !/^[\s#]/.test(raw)) {
      sections.push({ title: raw, lines: [] });
      const [, name] = /^backend (\S+)/.exec(raw) ?? [];
      current = name === undefined ? undefined : new Map();
      if (name !== undefined && current) backends.set(name, current);
    } else sections.at(-1)?.lines.push(line);
    const written = current && line.startsWith('server ') ? readServer(line) : undefined;
    if (written) current?.set(written.server.name, written);
  }
  const all = [...backends.values()].flatMap((servers) => [...servers.values()]);
  return { backends, sections, servers: new Map(all.map(({ server }) => [server.name, server])) };
}

/** The form of `serverLine`: an id right after the address. */
const form =
  /^server (\S+) (?:(unix@\S+)|(?:\[([0-9A-Fa-f:.]+)\]|([^\s:]+)):(\d+)) id (\d+)(?: (.*?))??(?: weight (\d+))?$/;

function readServer(line: string): Written | undefined {
  const [, name, socket, v6, other, port = '0', id, options = '', weight] = form.exec(line) ?? [];
  const host = socket ?? v6 ?? other;
  if (name === undefined || host === undefined) return undefined;
  const server: Server = {
    name,
    host,
    port: Number(port),
    options,
    weight: weight === undefined ? undefined : Number(weight),
  };
  return { server, id: Number(id), line };
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What HAProxy wrote of one request. */
export interface Passage {
  /** `service host:port`; the service alone when no server got it. */
  readonly server: string;
  /** Its two letters of who ended it and when, such as `SH`; `--` for a good end. */
  readonly ending: string;
  readonly retries: number;
  /** The whole line, for people. */
  readonly line: string;
}

const pattern = /^request (\S+) (\S+) (\S+) (\S\S)\S* \S+ \+?(\d+) /;

/** The requests of a HAProxy's log by their path. A path that was cut in writing is not among them. */
export async function readPassages(runDirectory: string): Promise<ReadonlyMap<string, Passage>> {
  const files = ['haproxy.log.1', 'haproxy.log'].map((name) => join(runDirectory, name));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return new Map(texts.join('').split('\n').flatMap(passage));
}

function passage(line: string): readonly (readonly [string, Passage])[] {
  const [, path, backend, server = '', ending = '', retries] = pattern.exec(line) ?? [];
  if (path === undefined) return [];
  const named = server.startsWith('<') ? `${backend}` : `${backend} ${addressOf(server)}`;
  return [[path, { server: named, ending, retries: Number(retries), line }]];
}

/** Servers are named `<name>_<host>:<port>`. */
const addressOf = (server: string) => server.slice(server.lastIndexOf('_') + 1);

import { addressOf, type Server } from '../render/server.ts';
import { commandWord, splitWords } from '../render/words.ts';

/** Commands that are carried out one after the other for one server, and how to read the replies. */
export interface Step {
  readonly kind: 'add' | 'ready' | 'drain' | 'weight' | 'address' | 'park' | 'delete';
  readonly server: string;
  readonly commands: readonly string[];
  /** Whether the replies say that all was done. */
  succeeded(replies: readonly string[]): boolean;
}

const silent = (replies: readonly string[]) => replies.every((reply) => reply === '');

/**
 * Adds a server and sends traffic to it. Dynamic servers get an id (without one 2.6 balances badly),
 * an idle pool (2.6 gives none), what `default-server` says and `check-ssl` (neither is inherited),
 * and never `enabled`.
 */
export function addServer(
  backend: string,
  server: Server,
  { id, defaults }: { readonly id: number; readonly defaults: readonly string[] },
): Step {
  const path = `${backend}/${server.name}`;
  const words = dynamicWords([...defaults, ...(splitWords(server.options) ?? [])]);
  if (server.weight !== undefined) words.push('weight', String(server.weight));
  const options = words.map(commandWord).join(' ');
  return {
    kind: 'add',
    server: server.name,
    commands: [
      `add server ${path} ${addressOf(server)} id ${id} ${options}`,
      ...openingOf(path, words),
    ],
    succeeded: ([first = '', ...rest]) => first.startsWith('New server registered') && silent(rest),
  };
}

/** Sends traffic to a server that was added and not made ready: synapse ended in between. */
export function openServer(backend: string, server: Server, defaults: readonly string[]): Step {
  const words = [...defaults, ...(splitWords(server.options) ?? [])];
  const commands = openingOf(`${backend}/${server.name}`, words);
  return { kind: 'add', server: server.name, commands, succeeded: silent };
}

const openingOf = (path: string, words: readonly string[]) => [
  `set server ${path} state ready`,
  ...(words.includes('check') ? [`enable health ${path}`] : []),
  ...(words.includes('agent-check') ? [`enable agent ${path}`] : []),
];

/** The words of a server that is added at runtime. */
function dynamicWords(words: readonly string[]): string[] {
  const has = (keyword: string) => words.includes(keyword);
  const added: string[] = [];
  if (has('ssl') && has('check') && !has('check-ssl') && !has('port') && !has('addr'))
    added.push('check-ssl');
  if (has('alpn') && has('check') && !has('check-alpn')) added.push('check-alpn', 'http/1.1');
  if (!has('pool-max-conn')) added.push('pool-max-conn', '-1');
  if (!has('pool-purge-delay')) added.push('pool-purge-delay', '5s');
  return [...words.map((word, at) => withUnit(words[at - 1], word)), ...added];
}

/** A duration with its unit: HAProxy 3.2 refuses a server with a small one that has none. */
function withUnit(keyword: string | undefined, word: string): string {
  return /^(agent-|fast|down)?inter$/.test(keyword ?? '') && /^\d+$/.test(word)
    ? `${word}ms`
    : word;
}

/** Sends traffic to a server again that `drainServer` took out. */
export function readyServer(backend: string, { name, weight }: Server): Step {
  const path = `${backend}/${name}`;
  const commands = [
    `set server ${path} weight ${weight ?? '100%'}`,
    `set server ${path} state ready`,
  ];
  return { kind: 'ready', server: name, commands, succeeded: silent };
}

/**
 * Takes a server out of rotation; its connections go on. No weight besides tells it from an operator's
 * drain, for a synapse that comes after this one; a percentage is what static balances accept too.
 */
export function drainServer(backend: string, server: string): Step {
  const path = `${backend}/${server}`;
  const commands = [`set server ${path} state drain`, `set server ${path} weight 0%`];
  return { kind: 'drain', server, commands, succeeded: silent };
}

export function weighServer(backend: string, server: string, weight: number): Step {
  const commands = [`set server ${backend}/${server} weight ${weight}`];
  return { kind: 'weight', server, commands, succeeded: silent };
}

/** Moves a server to the address that its name resolves to now. */
export function moveServer(backend: string, { name, host, port }: Server): Step {
  const commands = [`set server ${backend}/${name} addr ${host} port ${port}`];
  return {
    kind: 'address',
    server: name,
    commands,
    succeeded: ([reply = '']) => /^(IP|port) changed|^no need|^nothing changed/.test(reply),
  };
}

/** Leaves a server in maintenance. */
export function parkServer(backend: string, server: string): Step {
  const commands = [`set server ${backend}/${server} state maint`];
  return { kind: 'park', server, commands, succeeded: silent };
}

/** Deletes a server that is out of rotation; by force its connections are cut. */
export function deleteServer(backend: string, server: string, force: boolean): Step {
  const path = `${backend}/${server}`;
  const commands = [
    `set server ${path} state maint`,
    ...(force ? [`shutdown sessions server ${path}`] : []),
    `del server ${path}`,
  ];
  return {
    kind: 'delete',
    server,
    commands,
    succeeded: (replies) => /^(Server deleted|No such server)/.test(replies.at(-1) ?? ''),
  };
}

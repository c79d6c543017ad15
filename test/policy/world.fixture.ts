import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from 'node:http';

import { stringify } from 'yaml';

import { type Daemon, startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { type Oracle, oracleAt } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';
import { haproxySubject, type Subject } from './subject.fixture.ts';

/** What a member was asked. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** A member of a service: a real server inside this process, which notes what it is asked. */
export interface Member extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly seen: Seen[];
  /** What it answers from now on; at first 200 and its name. */
  behave(answer: (request: IncomingMessage, response: ServerResponse) => void): void;
  /** Its entry in `default_servers`. */
  readonly entry: object;
}

export async function startMember(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<Member> {
  const seen: Seen[] = [];
  let answer = (_: IncomingMessage, response: ServerResponse): void => void response.end(name);
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    seen.push({ method, url, headers });
    answer(request, response);
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    name,
    port,
    seen,
    behave: (next) => {
      answer = next;
    },
    entry: { name, host: '127.0.0.1', port, labels },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers with a status. */
export const status =
  (code: number) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    response.statusCode = code;
    response.end();
  };

/** Answers after a while. */
export const late =
  (milliseconds: number) =>
  (_: IncomingMessage, response: ServerResponse): void => {
    const timer = setTimeout(() => response.end('late'), milliseconds);
    response.once('close', () => clearTimeout(timer));
  };

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  /** In milliseconds. */
  readonly took: number;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The address that it comes from. */
  readonly from?: string;
}

/** One request on a connection of its own. */
export async function ask(
  port: number,
  path = '/',
  { method, headers, from }: Asked = {},
): Promise<Answer> {
  const start = performance.now();
  const to = { host: '127.0.0.1', port, path, ...(from !== undefined && { localAddress: from }) };
  const asked = send({ ...to, method, headers, agent: false });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let body = '';
  for await (const part of response) body += String(part);
  return {
    status: response.statusCode ?? 0,
    body,
    headers: response.headers,
    took: performance.now() - start,
  };
}

/** How often each answer came, by its status or its body. */
export async function tally(
  count: number,
  answerOf: () => Promise<Answer>,
  by: 'status' | 'body' = 'body',
): Promise<Readonly<Record<string, number>>> {
  const tallied: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const key = String((await answerOf())[by]);
    tallied[key] = (tallied[key] ?? 0) + 1;
  }
  return tallied;
}

/** A synapse with the services of a test, in a folder of its own. */
export interface World extends AsyncDisposable {
  readonly scratch: Scratch;
  readonly synapse: Daemon;
  readonly haproxy: Oracle;
  /** Where synapse's status is. */
  readonly status: number;
  /** Writes other services, and tells synapse to read them. */
  change(services: object): Promise<void>;
}

/** `haproxy` has further keys of that section, such as `binary`; `top` those of the top level. */
export async function startWorld(
  services: object,
  { haproxy = {}, ...top }: { readonly haproxy?: object; readonly [key: string]: unknown } = {},
  subject: Subject = haproxySubject,
): Promise<World> {
  const scratch = await createScratch();
  const statusPort = await freePort();
  const own = subject.top(scratch);
  const config = (of: object) => ({
    status_address: `127.0.0.1:${statusPort}`,
    ...own,
    ...(own.haproxy !== undefined && { haproxy: { ...(own.haproxy as object), ...haproxy } }),
    ...top,
    services: of,
  });
  const synapse = await startDaemon('synapse', config(services), scratch.directory);
  try {
    await until(async () => (await ask(statusPort, '/ready')).status === 200);
  } catch (error) {
    const said = synapse.log.map(({ msg, ...rest }) => `${msg} ${JSON.stringify(rest)}`);
    throw new Error(`synapse is not ready: ${said.join('\n')}`, { cause: error });
  }
  return {
    scratch,
    synapse,
    status: statusPort,
    haproxy: oracleAt(scratch.path('run', 'haproxy.sock')),
    change: async (next) => {
      await writeFile(scratch.path('synapse.yaml'), stringify(config(next)));
      synapse.kill('SIGHUP');
    },
    [Symbol.asyncDispose]: async () => {
      await synapse[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** A service whose members are these. */
export const serviceOf = (
  port: number,
  members: readonly Member[],
  policy: object,
  more: object = {},
) => ({
  discovery: { method: 'base' },
  default_servers: members.map(({ entry }) => entry),
  port,
  protocol: 'http',
  policy,
  ...more,
});

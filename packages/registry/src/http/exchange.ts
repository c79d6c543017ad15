import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';

/** Where one request goes and what is said in it. */
export interface Exchange {
  readonly url: URL;
  /** A UNIX socket to speak to in place of the URL's host. */
  readonly socketPath?: string | undefined;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Buffer | undefined;
  /** Whose connections are used; Node's own pool where none is given. */
  readonly agent?: http.Agent | undefined;
}

/** What is kept of an answer that comes in one piece, in bytes. */
const mostBytes = 32 * 1024 * 1024;

/** The answer to a request, of whatever status; its body is still to be read, or to be destroyed. */
export async function exchange(
  { url, socketPath, method = 'GET', headers, body, agent }: Exchange,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  const { request: create } = url.protocol === 'https:' ? https : http;
  const request = create(url, {
    method,
    signal,
    headers: {
      accept: 'application/json',
      ...(body && { 'content-length': String(body.length) }),
      ...headers,
    },
    ...(agent && { agent }),
    ...(socketPath !== undefined && { socketPath }),
  });
  // What fails once there is an answer is the answer's error.
  request.on('error', () => {});
  request.end(body);
  const [response] = (await once(request, 'response', { signal })) as [http.IncomingMessage];
  return response;
}

/** The whole body of an answer; rejects where it is cut off or longer than `limit` bytes. */
export async function readBody(
  response: http.IncomingMessage,
  signal: AbortSignal,
  limit = mostBytes,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    signal.throwIfAborted();
    length += (chunk as Buffer).length;
    if (length > limit) throw new Error(`answer is longer than ${limit} bytes`);
    chunks.push(chunk as Buffer);
  }
  if (!response.complete) throw new Error('answer was cut off');
  return Buffer.concat(chunks, length);
}

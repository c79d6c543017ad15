import { request } from 'node:http';

import { hasCode, messageOf, UserError } from '@smartstack/daemon';

import { flawOf } from './socket-path.ts';

/** Sends commands to the nerve on this machine. */
export interface Client {
  /** Rejects with a `UserError` when nerve cannot be reached or refuses. */
  ask(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown>;
}

/** A client of the nerve that listens on a UNIX socket. */
export function createClient(socketPath: string): Client {
  return {
    ask: async (method, path, body) => {
      const flaw = flawOf(socketPath);
      if (flaw) throw new UserError(`cannot reach nerve at ${socketPath}: ${flaw}`);
      const { status, text } = await send(socketPath, method, path, body).catch(
        (error: unknown) => {
          throw new UserError(`cannot reach nerve at ${socketPath}: ${whyNot(error)}`);
        },
      );
      const answer: unknown = JSON.parse(text);
      if (status === 200) return answer;
      throw new UserError(String((answer as { error?: unknown }).error));
    },
  };
}

function whyNot(error: unknown): string {
  if (hasCode(error, 'ENOENT') || hasCode(error, 'ECONNREFUSED'))
    return 'it does not run, or has another state_directory; start it, or name its file with -c';
  if (hasCode(error, 'EACCES'))
    return 'only the user that nerve runs as may; run this as that user, or with sudo';
  return messageOf(error);
}

function send(
  socketPath: string,
  method: string,
  path: string,
  body: object | undefined,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.end(body && JSON.stringify(body));
  });
}

import type { IncomingHttpHeaders } from 'node:http';

/** An answer with a status that says no. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;

  /** `asked` is what was asked for, such as `get http://127.0.0.1:8500/v1/kv/web`. */
  constructor(
    asked: string,
    answer: {
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: Buffer;
    },
  ) {
    super(`cannot ${asked}: answered ${answer.status}${said(answer)}`);
    this.status = answer.status;
    this.headers = answer.headers;
    this.body = answer.body;
  }
}

const longest = 200;

/** Where a redirect leads, or the beginning of what the body says. */
function said({
  status,
  headers,
  body,
}: {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}): string {
  if (status >= 300 && status < 400)
    return headers.location === undefined ? '' : `, a redirect to ${headers.location}`;
  const text = body
    .toString('utf8', 0, 4 * longest)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
  if (text === '') return '';
  return `: ${text.length > longest ? `${text.slice(0, longest)}…` : text}`;
}

import type { Expression } from './expression.ts';
import type { Answer } from './http-request.ts';
import type { HttpConfig, Range } from './http-schema.ts';

/** Why an answer fails the check, or undefined when it passes. */
export function faultOf(
  { status, headers, body }: Answer,
  config: HttpConfig,
  pattern: Expression | undefined,
): string | undefined {
  const { expect } = config;
  if (!passes(status, config.status)) return `status ${status}`;
  for (const [name, wanted] of Object.entries(config.expect_headers)) {
    const found = Object.hasOwn(headers, name) ? headers[name] : undefined;
    const shown = found === undefined ? 'none' : JSON.stringify(found);
    if (String(found) !== wanted)
      return `status ${status}, but the header ${name} is ${shown}, expected ${JSON.stringify(wanted)}`;
  }
  if (expect !== undefined && !body.includes(expect))
    return `status ${status}, but the body does not contain ${JSON.stringify(expect)}`;
  if (pattern !== undefined && !pattern.test(body))
    return `status ${status}, but the body does not match /${pattern.source}/`;
  return undefined;
}

/** Whether a status is in one of the ranges. */
export function passes(status: number, ranges: readonly Range[]): boolean {
  return ranges.some(([from, to]) => status >= from && status <= to);
}

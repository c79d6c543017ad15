import { z } from 'zod';

/** The message of an unknown thrown value, with its causes, on one line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(messageOf).join('; ');
  return error instanceof z.ZodError ? firstIssue(error) : error.message;
}

/** A schema's error is a page of JSON to begin with. */
function firstIssue({ issues: [issue], message }: z.ZodError): string {
  if (!issue) return message;
  return issue.path.length > 0 ? `${issue.message} (${issue.path.join('.')})` : issue.message;
}

/** Whether an error is Node's with this code, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** An error that the user can fix: shown as its message alone, without a stack, with exit code 1. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

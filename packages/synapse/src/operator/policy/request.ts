import { UserError } from '@smartstack/daemon';
import type { PolicyRequest } from '@smartstack/policy';

const example = "such as 'GET /v2?x=1 x-canary:true'";

/**
 * Reads a request as people write it: a method, a path, and headers as `name:value`, in quotes where a value has
 * spaces. The method may be left out for GET. Throws a `UserError` for anything else.
 */
export function parseRequest(text: string): PolicyRequest {
  const words = wordsOf(text);
  const [first = '', second] = words;
  const hasMethod = !first.startsWith('/');
  const [method, url] = hasMethod ? [first, second] : ['GET', first];
  if (!/^[A-Z][A-Z-]*$/.test(method))
    throw new UserError(
      `cannot read the request: ${JSON.stringify(method)} is no method in upper case; write it ${example}`,
    );
  if (!url || !/^\/[!-~]*$/.test(url) || url.includes('#'))
    throw new UserError(
      `cannot read the request: ${JSON.stringify(url ?? '')} is no path from / on, as it stands in a request; write it ${example}`,
    );
  return { method, url, headers: words.slice(hasMethod ? 2 : 1).map(headerOf) };
}

function headerOf(word: string): readonly [string, string] {
  const [, name, value] = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):(.*)$/.exec(word) ?? [];
  if (name === undefined || value === undefined)
    throw new UserError(
      `cannot read the request: ${JSON.stringify(word)} is no header as name:value; write it ${example}`,
    );
  return [name.toLowerCase(), value.trim()];
}

/** Words between spaces; a part in quotes is one, without them. */
function wordsOf(text: string): readonly string[] {
  return [...text.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) =>
    word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'),
  );
}

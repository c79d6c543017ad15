import type { Route } from '@smartstack/policy';

import { withoutSlash } from './match.ts';
import { escaped } from './values.ts';

/** What members see of the path and the host. */
export function rewriteOf({ rewrite = {}, match = {} }: Route) {
  const { path_prefix: to, host } = rewrite;
  return {
    ...(host !== undefined && {
      hostRewriteSpecifier: { case: 'hostRewriteLiteral', value: host } as const,
    }),
    ...(to === undefined || match.path !== undefined ? {} : prefixRewrite(match.path_prefix, to)),
    // Of an exact path the whole is what matched.
    ...(to !== undefined && match.path !== undefined && { prefixRewrite: to }),
  };
}

/** What follows the prefix keeps its slash, and the root has one of its own. */
function prefixRewrite(from = '/', to: string) {
  const slash = to.endsWith('/') ? '/?' : '';
  return {
    regexRewrite: {
      pattern: { regex: `^${escaped(withoutSlash(from))}${slash}(.*)$` },
      substitution: `${to}\\1`,
    },
  };
}

import type { Route } from '@smartstack/policy';

import { withoutSlash } from './match.ts';

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

/**
 * What follows the prefix keeps its slash, and the root has one of its own. That the path begins with the prefix is known:
 * its parts are counted, since Envoy takes no long expressions.
 */
function prefixRewrite(from = '/', to: string) {
  const parts = withoutSlash(from).split('/').length - 1;
  const slash = to.endsWith('/') ? '/?' : '';
  return {
    regexRewrite: {
      pattern: { regex: `^${parts > 0 ? `(?:/[^/]*){${parts}}` : ''}${slash}(.*)$` },
      substitution: `${to}\\1`,
    },
  };
}

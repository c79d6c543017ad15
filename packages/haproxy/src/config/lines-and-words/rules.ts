import { isHttp, type Traffic } from '../../policy/traffic.ts';
import { startsWith } from '../../render/words.ts';
import type { Found, RawLine } from './found.ts';

/** Rules that would come before those of the policy, or take a counter that these need. */
export function ruleProblems(traffic: Traffic, lines: readonly RawLine[]): readonly Found[] {
  const { routes } = traffic.policy;
  return lines.flatMap(({ key, line }): readonly Found[] => {
    if (routes && startsWith(line, 'use_backend'))
      return [
        {
          word: 'routes',
          message: `choose a backend, and ${key} says \`${line}\`; keep one of them`,
        },
      ];
    const [, counter] = /\strack-sc([0-2])\s/i.exec(line) ?? [];
    if (counter === undefined || !isHttp(traffic)) return [];
    const message = `needs HAProxy's counter ${counter}, and ${key} takes it: \`${line}\`; remove that line, or this`;
    if (counter === '0') return [{ word: '', message: `its traffic ${message}` }];
    if (counter === '1') return routes ? [{ word: 'routes', message }] : [];
    const limited = routes?.findIndex(({ rate_limit: limit }) => limit) ?? -1;
    return limited === -1
      ? []
      : [{ word: 'routes', path: ['routes', limited, 'rate_limit'], message }];
  });
}

import { serverWords } from '../../policy/recovery.ts';
import type { Traffic } from '../../policy/traffic.ts';
import { startsWith } from '../../render/words.ts';
import type { HaproxyService } from '../config.ts';
import { serverKeywords } from '../keywords.ts';
import { bothText, type Found, normal, type RawLine } from './found.ts';

const serverWord: Readonly<Record<string, string>> = {
  maxconn: 'limits.per_member',
  slowstart: 'slow_start',
  ...Object.fromEntries(
    ['inter', 'fastinter', 'downinter', 'fall', 'rise', 'observe', 'error-limit', 'on-error'].map(
      (keyword) => [keyword, 'outlier_ejection'],
    ),
  ),
};

/** Words of server lines that raw ones and a policy give differently. */
export function serverProblems(
  traffic: Traffic,
  { server_options: options }: HaproxyService,
  lines: readonly RawLine[],
): readonly Found[] {
  const made = keywordsOf(serverWords(traffic));
  const ejects = made.has('observe');
  const raw = [
    ...(options === undefined
      ? []
      : [{ key: `services.${traffic.service}.haproxy.server_options`, line: options }]),
    ...lines.filter(({ line }) => startsWith(line, 'default-server')),
  ];
  return raw.flatMap(({ key, line }) => {
    const text = (keyword: string, value: string) =>
      `${key} says \`${`${keyword} ${value}`.trim()}\``;
    return [...keywordsOf(line)].flatMap(([keyword, value]): readonly Found[] => {
      const isCheck = keyword === 'no-check' && ejects;
      const isObserved = !ejects && ['observe', 'error-limit', 'on-error'].includes(keyword);
      const word = isCheck ? 'outlier_ejection' : serverWord[keyword];
      const own = made.get(keyword);
      const differs = own !== undefined && normal(own) !== normal(value);
      if (!word || !(differs || isCheck || isObserved)) return [];
      if (word !== 'outlier_ejection')
        return [{ word, message: bothText(traffic.policy, word, text(keyword, value)) }];
      const message = ejects
        ? `makes \`${keyword === 'no-check' ? 'check' : `${keyword} ${own}`}\` of its servers, and ${text(keyword, value)}; keep one of them`
        : bothText(traffic.policy, word, text(keyword, value));
      return [{ word, message }];
    });
  });
}

/** The keywords of a server line, each with its value; `''` where it has none. */
function keywordsOf(text: string): ReadonlyMap<string, string> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const found = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const keyword = words[at] ?? '';
    const takesValue = Boolean(serverKeywords.get(keyword));
    found.set(keyword, takesValue ? (words[at + 1] ?? '') : '');
    if (takesValue) at++;
  }
  return found;
}

import { resolve } from 'node:path';

import { type HaproxyConfig, isManaged } from './config.ts';
import { sectionOf } from './section.ts';

/** What is worth saying of a section that is good, by the path below it. */
export function sectionWarnings(
  key: HaproxyConfig | undefined,
): readonly (readonly [path: readonly (string | number)[], message: string])[] {
  const section = sectionOf(key);
  if (!section || (!isManaged(section) && !section.do_socket)) return [];
  const paths = new Set([section.socket_file_path ?? []].flat().map((path) => resolve(path)));
  return (section.global ?? []).flatMap((line, index) => {
    const [, written = '', rest = ''] = /^\s*stats\s+socket\s+(\S+)(.*)$/i.exec(line) ?? [];
    const path = written.replace(/^unix@/, '');
    if (path === '' || !paths.has(resolve(path)) || /\slevel\s+admin(\s|$)/.test(rest)) return [];
    const level = /\slevel\s+(\S+)/.exec(rest)?.[1] ?? "operator, HAProxy's default";
    return [
      [
        ['global', index],
        `this stats socket is of level ${level}: HAProxy refuses changes there, and each one needs a reload; write \`${line.replace(/\slevel\s+\S+/, '').trim()} level admin\``,
      ] as const,
    ];
  });
}

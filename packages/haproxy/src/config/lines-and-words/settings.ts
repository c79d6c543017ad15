import type { Policy } from '@smartstack/policy';

import { policyFiles } from '../../policy/files.ts';
import { frontendLines } from '../../policy/frontend.ts';
import { backendLines } from '../../policy/recovery.ts';
import { settingOf } from '../../policy/settings.ts';
import type { Traffic } from '../../policy/traffic.ts';
import { startsWith } from '../../render/words.ts';
import { bothText, type Found, normal, type RawLine } from './found.ts';

const log = ['log-format', 'option httplog', 'option tcplog'];

/** The word that makes a setting. */
function wordOf(setting: string, { timeouts = {} }: Policy): string | undefined {
  if (setting === 'balance' || setting === 'hash-type') return 'balance';
  if (setting === 'retries') return 'retries.attempts';
  if (setting === 'retry-on') return 'retries.on';
  if (setting === 'timeout connect') return 'timeouts.connect';
  if (setting === 'timeout queue') return 'timeouts.queue';
  if (setting === 'timeout client' || setting === 'timeout tunnel') return 'timeouts.idle';
  if (setting === 'timeout server') {
    const word = (['per_try', 'request', 'idle'] as const).find(
      (each) => timeouts[each] !== undefined,
    );
    return word && `timeouts.${word}`;
  }
  return log.includes(setting) ? 'access_log' : undefined;
}

/** Settings that raw lines and a policy make differently. */
export function settingProblems(
  traffic: Traffic,
  lines: readonly RawLine[],
  syslog: string | undefined,
): readonly Found[] {
  const made = [
    ...frontendLines(traffic, { files: policyFiles(''), syslog }).settings,
    ...backendLines(traffic, traffic.service),
  ];
  return lines.flatMap(({ key, line }): readonly Found[] => {
    const setting = settingOf(line.toLowerCase().replace(/\s+/g, ' '));
    const word = setting && wordOf(setting, traffic.policy);
    if (!word) return [];
    const isLog = log.includes(setting);
    const same = made.filter((each) =>
      (isLog ? log : [setting]).some((one) => startsWith(each, one)),
    );
    if (same.some((each) => isSame(each, line)) || (same.length === 0 && !isLog)) return [];
    return [{ word, message: bothText(traffic.policy, word, `${key} says \`${line}\``) }];
  });
}

/** Whether two lines say the same; times may have other units. */
function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((line) =>
    line.trim().split(/\s+/).map(normal).join(' '),
  );
  return first === second;
}

import { type MergedPolicy, type Policy, writtenLine, writtenWord } from '@smartstack/policy';
import type { ConfiguredService, Problem } from '@smartstack/proxy';

import { frontendLines } from '../policy/frontend.ts';
import { backendLines, serverWords } from '../policy/recovery.ts';
import { settingOf } from '../policy/settings.ts';
import { isHttp, type Traffic } from '../policy/traffic.ts';
import { startsWith } from '../render/words.ts';
import type { HaproxyService } from './config.ts';
import { serverKeywords } from './keywords.ts';
import { runningLines } from './removed/running.ts';

/**
 * Where a service's own raw lines and words of its own policy set the same differently. What the defaults or
 * synapse itself say of it gives way to raw lines without a word.
 */
export function lineProblems(
  name: string,
  { own, policy: merged, protocol }: ConfiguredService<HaproxyService>,
  isLogged: boolean,
): readonly Problem[] {
  if (!own || own.disabled || !merged || ownWord(merged, '') === undefined) return [];
  const { policy } = merged;
  const traffic: Traffic = {
    service: name,
    protocol,
    policy,
    isPanic: false,
    front: { routes: [], rest: [], backends: [name] },
  };
  const lines = rawLines(name, own);
  if (lines.length === 0 && own.server_options === undefined) return [];
  const isOwn = (word: string) => ownWord(merged, word) !== undefined;
  const found = [
    ...settingProblems(traffic, lines, isLogged),
    ...serverProblems(traffic, own, lines),
    ...(own.port === undefined ? [] : ruleProblems(traffic, lines)),
  ];
  return found
    .filter(({ word }) => isOwn(word))
    .map(({ word, path, message }) => [
      ['services', name, 'policy', ...(path ?? pathOf(merged, word))],
      message,
    ]);
}

/** What stands against a word. */
interface Found {
  readonly word: string;
  readonly path?: readonly (string | number)[];
  readonly message: string;
}

interface RawLine {
  /** The path of the key that has it. */
  readonly key: string;
  readonly line: string;
}

function rawLines(name: string, own: HaproxyService): readonly RawLine[] {
  return (['frontend', 'backend', 'listen'] as const).flatMap((key) =>
    runningLines(own[key] ?? []).map((line) => ({ key: `services.${name}.haproxy.${key}`, line })),
  );
}

/** The service's own word of this name, or the first one below it; `''` is any word. */
function ownWord({ origins }: MergedPolicy, word: string): string | undefined {
  for (const [name, origin] of origins)
    if (origin === 'service' && (word === '' || name === word || name.startsWith(`${word}.`)))
      return name;
  return undefined;
}

/** Where a word stands; a policy as a whole for any word. */
function pathOf(merged: MergedPolicy, word: string): readonly string[] {
  return word === '' ? [] : (ownWord(merged, word) ?? word).split('.');
}

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

function settingProblems(
  traffic: Traffic,
  lines: readonly RawLine[],
  isLogged: boolean,
): readonly Found[] {
  const made = [
    ...frontendLines(traffic, '', isLogged).settings,
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

function bothText(policy: Policy, word: string, other: string): string {
  return `is ${textOf(policy, word)} here, and ${other}; keep one of them`;
}

/** The value of a word as it is written, in short. */
function textOf(policy: Policy, word: string): string {
  const keys = word.split('.');
  const value = keys.reduce<unknown>(
    (at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key],
    policy,
  );
  const text = writtenLine(writtenWord(keys.at(-1) ?? '', value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Whether two lines say the same; times may have other units. */
function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((line) =>
    line.trim().split(/\s+/).map(normal).join(' '),
  );
  return first === second;
}

const units: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function normal(word: string): string {
  const [, digits, unit = 'ms'] = /^(\d+)(us|ms|s|m|h|d)?$/.exec(word) ?? [];
  return digits === undefined ? word : String(Number(digits) * (units[unit] ?? 1));
}

const serverWord: Readonly<Record<string, string>> = {
  maxconn: 'limits.per_member',
  slowstart: 'slow_start',
  ...Object.fromEntries(
    ['inter', 'fastinter', 'downinter', 'fall', 'rise', 'observe', 'error-limit', 'on-error'].map(
      (keyword) => [keyword, 'outlier_ejection'],
    ),
  ),
};

function serverProblems(
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

/** Rules that would come before those of the policy, or take a counter that these need. */
function ruleProblems(traffic: Traffic, lines: readonly RawLine[]): readonly Found[] {
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

import type { MergedPolicy } from '@smartstack/policy';
import type { ConfiguredService, Problem } from '@smartstack/proxy';

import type { Traffic } from '../policy/traffic.ts';
import type { HaproxyService } from './config.ts';
import type { RawLine } from './lines-and-words/found.ts';
import { ruleProblems } from './lines-and-words/rules.ts';
import { serverProblems } from './lines-and-words/servers.ts';
import { settingProblems } from './lines-and-words/settings.ts';
import { runningLines } from './removed/running.ts';

/**
 * Where a service's own raw lines and words of its own policy set the same differently. What the defaults or
 * synapse itself say of it gives way to raw lines without a word.
 */
export function lineProblems(
  name: string,
  { own, policy: merged, protocol }: ConfiguredService<HaproxyService>,
  syslog: string | undefined,
): readonly Problem[] {
  if (!own || own.disabled || !merged || ownWord(merged, '') === undefined) return [];
  const { policy } = merged;
  const traffic: Traffic = {
    service: name,
    protocol,
    policy,
    builtIn: [],
    isPanic: false,
    front: { routes: [], rest: [], backends: [name] },
  };
  const lines = rawLines(name, own);
  if (lines.length === 0 && own.server_options === undefined) return [];
  const isOwn = (word: string) => ownWord(merged, word) !== undefined;
  const found = [
    ...settingProblems(traffic, lines, syslog),
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

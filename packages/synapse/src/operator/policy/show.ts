import {
  type MergedPolicy,
  type PolicyOrigin,
  policySchema,
  writtenLine,
  writtenWord,
} from '@smartstack/policy';
import type { Directives } from '@smartstack/proxy';

import { writtenPolicyOf } from '../../config/policy.ts';
import { gapsOf } from '../../config/policy-problems.ts';
import { partsOf } from '../../discovery/table.ts';
import { isZooKeeper } from '../../discovery/zookeeper-path.ts';
import { allProxies, sectionOf } from '../../proxies.ts';
import { table } from '../shown.ts';
import { noPolicyText, type PolicyLook } from './look.ts';

/** One word in force. */
export interface ShownWord {
  readonly word: string;
  /** As users write it. */
  readonly value: unknown;
  readonly from: PolicyOrigin;
  /** Where it is written: `file:line:col`, or a path of the registry; null of what is built in. */
  readonly at: string | null;
}

/** A service's policy in force, and what its proxy makes of it. */
export interface ShownPolicy {
  readonly service: string;
  readonly configured_at: string;
  readonly protocol: string;
  readonly proxy: string;
  /** Its version, by which its words were judged; null where that is not known. */
  readonly version: string | null;
  readonly words: readonly ShownWord[];
  /** Words that the proxy cannot do, where these are warnings. */
  readonly ignored: readonly { readonly word: string; readonly why: string }[];
  readonly directives: readonly Directives[];
}

export async function shownPolicy(look: PolicyLook): Promise<ShownPolicy> {
  const { name, proxy, protocol, service, snapshot, loaded } = look;
  const { policy: merged } = service;
  const directives: Directives[] = [];
  for (const { name: kind, view } of merged
    ? [proxy, ...allProxies.filter((other) => other !== proxy)]
    : [])
    directives.push(...(await view.policy(service.name, sectionOf(loaded.config, kind), snapshot)));
  return {
    service: name,
    configured_at: service.origin,
    protocol,
    proxy: proxy.name,
    words: merged ? wordsIn(merged, look) : [],
    version: loaded.config.versions?.get(proxy.name) ?? null,
    ignored: ignoredOf(look),
    directives,
  };
}

/** What its proxy cannot do of all that is written for it, which is no error only where that is asked for. */
function ignoredOf({ config, loaded, service }: PolicyLook): ShownPolicy['ignored'] {
  const merged = writtenPolicyOf(config, loaded.config, service.registryPolicy);
  if (!merged) return [];
  return gapsOf(config, loaded.config, merged).map(({ path, message }) => ({
    word: path.join('.'),
    why: message,
  }));
}

/** The same as text. */
export function policyText(shown: ShownPolicy, look: PolicyLook): string {
  if (shown.words.length === 0) return noPolicyText(look);
  const { service, protocol, version, configured_at: place, words, ignored, directives } = shown;
  const rows = words.map(({ word, value, from, at }) => [
    word,
    at === null ? from : `${from}, ${at}`,
    writtenLine(value),
  ]);
  return [
    `${service} is ${protocol}, served by ${look.proxy.title}${version === null ? '' : ` ${version}`} (${place})\n\n`,
    table([['WORD', 'FROM', 'VALUE'], ...rows]),
    ...ignored.map(({ word, why }) => `ignored: ${word}: ${why}\n`),
    ...directives.map(({ title, lines }) => `\n${[title, ...lines].join('\n    ')}\n`),
  ].join('');
}

/** Every word in the order of the reference, and each route by itself. */
function wordsIn(merged: MergedPolicy, look: PolicyLook): readonly ShownWord[] {
  const order = Object.keys(policySchema.shape);
  const rank = (word: string) => order.indexOf(word.split('.')[0] ?? '');
  return [...merged.origins]
    .toSorted(([one], [other]) => rank(one) - rank(other))
    .flatMap(([word, from]) => {
      const path = word.split('.');
      const value = valueAt(merged.policy, path);
      const shown = (at: readonly (string | number)[], each: unknown): ShownWord => ({
        word: typeof at.at(-1) === 'number' ? `routes[${at.at(-1)}]` : word,
        value: writtenWord(path.at(-1) ?? '', each),
        from,
        at: placeOf(from, at, look),
      });
      return word === 'routes' && Array.isArray(value)
        ? value.map((route, index) => shown(['routes', index], route))
        : [shown(path, value)];
    });
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((at, key) => (at as Readonly<Record<string, unknown>>)[key], value);
}

function placeOf(
  from: PolicyOrigin,
  path: readonly (string | number)[],
  { name, config, loaded: { source } }: PolicyLook,
): string | null {
  switch (from) {
    case 'built-in':
      return null;
    case 'defaults':
      return source.locate(['defaults', 'policy', ...path]);
    case 'service':
      return source.locate(['services', name, 'policy', ...path]);
    case 'registry':
      return (
        partsOf(config.discovery)
          .flatMap(([, part]) =>
            isZooKeeper(part) ? [`zookeeper:${part.generator_config_path ?? part.path}`] : [],
          )
          .join(' or ') || null
      );
  }
}

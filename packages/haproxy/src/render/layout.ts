import { createHash } from 'node:crypto';
import type { HaproxyConfig, HaproxyService } from '../config/config.ts';
import { runningLines } from '../config/removed/running.ts';
import { needsLua, type PolicyFiles } from '../policy/files.ts';
import { trafficTable, trafficTableLines } from '../policy/tables.ts';
import { isHttp } from '../policy/traffic.ts';
import { defaultsLines, extraSection, globalLines, type Surroundings, statsLines } from './base.ts';
import { type FrontendNames, withSeparateNames } from './frontend-names.ts';
import { type Stanza, stanzaOf } from './stanza.ts';
import { type Traits, traitsOf } from './traits.ts';
import type { Capabilities } from './version.ts';

/** One service as the file is to have it. */
export interface Part {
  readonly service: string;
  readonly config: HaproxyService;
  readonly stanza: Stanza;
  readonly traits: Traits;
}

/** One section of the file; its `backend`, if any, is followed by that service's servers. */
export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
  /** Who is left out if HAProxy refuses this section: a service's name or `ownerOfExtra`; undefined for what all need. */
  readonly owner?: string;
  /** The service that each of the last lines comes from, where several share a section. */
  readonly contributions?: readonly { readonly owner: string; readonly line: string }[];
  readonly backend?: string;
}

/** The shape of the whole file: everything but the servers. */
export interface Layout {
  readonly sections: readonly Section[];
  readonly parts: readonly Part[];
  readonly partOf: ReadonlyMap<string, Part>;
  /** Differs whenever a reload is needed; 16 hexadecimal digits. */
  readonly shape: string;
}

export interface LayoutSettings {
  readonly config: HaproxyConfig;
  readonly around: Surroundings;
  readonly capabilities: Capabilities;
  /** Files beside the configuration that its lines name. */
  readonly files: PolicyFiles;
  /** Whether frontends need names of their own; where it is absent they have those of their services. */
  readonly frontends?: FrontendNames;
  /** The address of the stats page, if there is one, and whether it serves metrics too. */
  readonly stats: { readonly address: string; readonly exporter: boolean } | undefined;
}

/** One service's part of the file. */
export function partOf(service: string, config: HaproxyService, settings: LayoutSettings): Part {
  const defaults = defaultsLines(settings.config, settings.around);
  const stanza = stanzaOf(service, config, {
    top: settings.config,
    defaults,
    isTidy: settings.around.stateFile !== undefined,
    files: settings.files,
  });
  const traits = traitsOf(stanza.backend, defaults, {
    serverOptions: stanza.serverWords,
    capabilities: settings.capabilities,
  });
  return { service, config, stanza, traits };
}

/** How an extra section is called where a service would be; no service has such a name. */
export const ownerOfExtra = (title: string) => `extra_sections.${title}`;
export const statsOwner = 'stats_address';

/** The sections in the originals' order: global, defaults, extra ones, services, the shared frontend. */
export function layoutOf(
  parts: readonly Part[],
  settings: LayoutSettings,
  leftOut: ReadonlySet<string>,
): Layout {
  const sections = [...commonSections(settings, parts), ...parts.flatMap(sectionsOf)].filter(
    ({ owner }) => owner === undefined || !leftOut.has(owner),
  );
  const shared = settings.config.shared_frontend;
  if (shared) sections.push(sharedFrontend(shared, parts));
  const partOf = new Map(parts.map((part) => [part.service, part]));
  const named = settings.frontends?.areSeparate ? withSeparateNames(sections) : sections;
  return { sections: named, parts, partOf, shape: shapeOf(named, parts) };
}

/** The sections that do not belong to a service. */
function commonSections(
  { config, around, stats, files }: LayoutSettings,
  parts: readonly Part[],
): readonly Section[] {
  const extra = Object.entries(config.extra_sections).map(([title, lines]) => ({
    ...extraSection(title, lines),
    owner: ownerOfExtra(title),
  }));
  const isCounted = parts.some(({ config: { traffic } }) => traffic?.front && isHttp(traffic));
  const page = stats && {
    title: 'frontend synapse-stats',
    lines: statsLines(stats.address, stats.exporter),
    owner: statsOwner,
  };
  return [
    { title: 'global', lines: [...globalLines(config, around), ...luaLines(parts, files)] },
    { title: 'defaults', lines: defaultsLines(config, around) },
    ...extra,
    ...(page ? [page] : []),
    ...(isCounted ? [{ title: `backend ${trafficTable}`, lines: trafficTableLines() }] : []),
  ];
}

/** `layoutOf`, cached: most changes are of members, and leave the layout as it is. */
export function createLayouts(settings: LayoutSettings) {
  let last: Layout | undefined;
  let lastLeftOut: ReadonlySet<string> = new Set();
  let lastSocket: string | undefined;
  let lastSeparate: boolean | undefined;
  return (parts: readonly Part[], leftOut: ReadonlySet<string>): Layout => {
    const isSame =
      last?.parts.length === parts.length &&
      lastSocket === settings.around.socket &&
      lastSeparate === settings.frontends?.areSeparate &&
      last.parts.every((part, index) => part === parts[index]) &&
      leftOut.size === lastLeftOut.size &&
      [...leftOut].every((owner) => lastLeftOut.has(owner));
    if (last && isSame) return last;
    last = layoutOf(parts, settings, leftOut);
    lastLeftOut = leftOut;
    lastSocket = settings.around.socket;
    lastSeparate = settings.frontends?.areSeparate;
    return last;
  };
}

function sharedFrontend(own: readonly string[], parts: readonly Part[]): Section {
  const contributions = parts.flatMap(({ service, stanza }) =>
    stanza.shared.map((line) => ({ owner: service, line })),
  );
  const lines = [...runningLines(own), ...contributions.map(({ line }) => line)];
  return { title: 'frontend shared-frontend', lines, contributions };
}

function luaLines(parts: readonly Part[], { lua }: PolicyFiles): readonly string[] {
  const isDelayed = parts.some(({ config }) => needsLua(config.traffic));
  return isDelayed && lua !== undefined ? [`lua-load ${lua}`] : [];
}

function sectionsOf({ service, stanza }: Part): readonly Section[] {
  const { frontend, backend, backendName, tables } = stanza;
  const section: Section = {
    title: `backend ${backendName}`,
    lines: backend,
    owner: service,
    backend: backendName,
  };
  const own = tables.map((table) => ({ ...table, owner: service }));
  return frontend === undefined
    ? [...own, section]
    : [...own, { title: `frontend ${service}`, lines: frontend, owner: service }, section];
}

/** What all server lines of a service have in common is shape too: a change of it needs a reload. */
function shapeOf(sections: readonly Section[], parts: readonly Part[]): string {
  const members = parts.map(({ service, config, stanza }) => [
    service,
    stanza.serverWords || undefined,
    config.cookie_value_method,
    config.use_nerve_weights,
  ]);
  return createHash('sha256')
    .update(JSON.stringify([sections, members]))
    .digest('hex')
    .slice(0, 16);
}

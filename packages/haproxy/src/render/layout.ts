import { createHash } from 'node:crypto';
import type { HaproxyConfig, HaproxyService } from '../config/config.ts';
import { runningLines } from '../config/removed/running.ts';
import type { PolicyFiles } from '../policy/files.ts';
import { trafficTable, trafficTableLines } from '../policy/tables.ts';
import { isHttp } from '../policy/traffic.ts';
import {
  defaultsLines,
  extraSection,
  globalLines,
  type Surroundings,
  shapeVariable,
  statsLines,
} from './base.ts';
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
  return { sections, parts, partOf, shape: shapeOf(sections, parts) };
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
  return (parts: readonly Part[], leftOut: ReadonlySet<string>): Layout => {
    const isSame =
      last?.parts.length === parts.length &&
      lastSocket === settings.around.socket &&
      last.parts.every((part, index) => part === parts[index]) &&
      leftOut.size === lastLeftOut.size &&
      [...leftOut].every((owner) => lastLeftOut.has(owner));
    if (last && isSame) return last;
    last = layoutOf(parts, settings, leftOut);
    lastLeftOut = leftOut;
    lastSocket = settings.around.socket;
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
  const isDelayed = parts.some(({ config: { traffic } }) =>
    traffic?.policy.routes?.some(({ fault }) => fault?.delay),
  );
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

/** The file, and which service each of its lines comes from. */
export interface File {
  /** The text in pieces, which are the same strings again where a section is as it was. */
  readonly pieces: readonly string[];
  readonly text: string;
  /** One line, counted from 1, and the service that it comes from. */
  lineAt(line: number): string | undefined;
  ownerAt(line: number): string | undefined;
  /** The service of a frontend or backend; in a shared one, the service whose line has one of these words. */
  ownerOf(proxy: string, words: readonly string[]): string | undefined;
}

/** A section's text, with further lines and an empty line before it. Cached: most sections stay as they are. */
function sectionText(section: Section, more: readonly string[]): string {
  const before = sectionTexts.get(section);
  if (before?.more === more) return before.text;
  const text = `\n${[section.title, ...section.lines, ...more].join('\n\t')}\n`;
  sectionTexts.set(section, { more, text });
  return text;
}

const sectionTexts = new WeakMap<
  Section,
  { readonly more: readonly string[]; readonly text: string }
>();

/** The section that a line is in, and the line of its title; `counts` has how many lines each takes. */
function sectionAt(sections: readonly Section[], counts: readonly number[], line: number) {
  let title = 3;
  let found: { readonly section: Section; readonly title: number } | undefined;
  for (const [index, section] of sections.entries()) {
    if (title > line) break;
    found = { section, title };
    title += counts[index] ?? 0;
  }
  return found;
}

/** The whole text; `servers` gives the server lines of a backend. */
export function fileOf(layout: Layout, servers: (backend: string) => readonly string[]): File {
  const pieces = ['# written by synapse: changes by hand are overwritten\n'];
  const counts: number[] = [];
  for (const section of layout.sections) {
    const { title, lines, backend } = section;
    const shape = title === 'global' ? [`setenv ${shapeVariable} ${layout.shape}`] : [];
    const more = backend === undefined ? shape : servers(backend);
    counts.push(2 + lines.length + more.length);
    pieces.push(sectionText(section, more));
  }
  const text = () => pieces.join('');
  return {
    lineAt: (line) => text().split('\n')[line - 1]?.trim(),
    pieces,
    get text() {
      return text();
    },
    ownerAt: (line) => {
      const found = sectionAt(layout.sections, counts, line);
      return found && ownerIn(found.section, line - found.title - 1);
    },
    ownerOf: (proxy, words) => ownerOfProxy(layout.sections, proxy, words),
  };
}

/** The service that a line of a section comes from; contributions come last in a shared one. */
function ownerIn({ lines, contributions = [], owner }: Section, index: number): string | undefined {
  return owner ?? contributions[index - (lines.length - contributions.length)]?.owner;
}

function ownerOfProxy(
  sections: readonly Section[],
  proxy: string,
  words: readonly string[],
): string | undefined {
  const section = sections.find(({ title }) => title.split(' ')[1] === proxy);
  const wrote = ({ line }: { readonly line: string }) =>
    line.split(/\s+/).some((word) => word !== proxy && words.includes(word));
  return section?.owner ?? section?.contributions?.find(wrote)?.owner;
}

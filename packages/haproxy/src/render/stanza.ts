import type { HaproxyConfig, HaproxyService } from '../config/config.ts';
import { runningLines } from '../config/removed/running.ts';
import type { PolicyFiles } from '../policy/files.ts';
import { frontendLines } from '../policy/frontend.ts';
import { backendLines as policyLines, serverWords } from '../policy/recovery.ts';
import { settingOf, wordFor } from '../policy/settings.ts';
import { limitTables } from '../policy/tables.ts';
import type { Traffic } from '../policy/traffic.ts';
import { sectionsOf } from './listen.ts';
import { startsWith } from './words.ts';

/** What one service adds to the file, apart from its servers. */
export interface Stanza {
  readonly backendName: string;
  /** Lines of its own frontend; undefined without a port. */
  readonly frontend: readonly string[] | undefined;
  readonly backend: readonly string[];
  /** Lines for the frontend that services share. */
  readonly shared: readonly string[];
  /** Further sections that are its own: tables of its policy. */
  readonly tables: readonly { readonly title: string; readonly lines: readonly string[] }[];
  /** Words of each of its servers. */
  readonly serverWords: string;
}

/** What of the surroundings a stanza depends on. */
export interface StanzaSettings {
  readonly top: HaproxyConfig;
  readonly defaults: readonly string[];
  /** Whether the file is synapse's own. */
  readonly isTidy: boolean;
  /** Files of what a policy changes without a reload. */
  readonly files: PolicyFiles;
}

/**
 * The originals' stanza: own lines, then `listen` lines where they belong, then bind and default
 * backend; what a policy adds stands beside them, and a line of the user's own wins over it. In files that are
 * synapse's own, idle keep-alive connections are closed after an answer when HAProxy reloads, not before one.
 */
export function stanzaOf(
  name: string,
  service: HaproxyService,
  { top, defaults, isTidy, files }: StanzaSettings,
): Stanza {
  const own = linesFor('frontend', service);
  const running = linesFor('backend', service);
  const backendName = service.backend_name ?? name;
  const { traffic } = service;
  const said = (lines: readonly string[]): Said => ({
    lines,
    defaults: runningLines(top.defaults ?? []),
    builtIn: traffic?.builtIn,
  });
  const policed = traffic && frontendLines(traffic, { files, syslog: top.syslog });
  const frontend = [
    ...unsaid(policed?.settings ?? [], said(own)),
    ...own,
    ...(policed?.rules ?? []),
    ...(policed?.choice ?? []),
  ];
  const backend = [
    ...unsaid(traffic ? policyLines(traffic, backendName) : [], said(running)),
    ...running,
    ...seedOf(service, running),
  ];
  const closing = isTidy && wantsIdleClose(frontend, defaults) ? [idleClose] : [];
  return {
    backendName,
    backend,
    tables: traffic?.front ? limitTables(traffic.service, traffic.policy) : [],
    serverWords: [traffic && serverWords(traffic), service.server_options]
      .filter(Boolean)
      .join(' '),
    shared: runningLines(service.shared_frontend ?? []),
    frontend:
      service.port === undefined
        ? undefined
        : [
            ...frontend,
            ...closing,
            bindLine(service, top, isH2(traffic) ? 'proto h2' : undefined),
            `default_backend ${backendName}`,
          ],
  };
}

/** What users say beside a policy's lines: for the service, and in `defaults`. */
interface Said {
  readonly lines: readonly string[];
  readonly defaults: readonly string[];
  /** The policy's built-in words. */
  readonly builtIn: readonly string[] | undefined;
}

/** A policy's lines without those that set what is set already. */
function unsaid(lines: readonly string[], { lines: own, defaults, builtIn = [] }: Said) {
  return lines.filter((line) => {
    const setting = settingOf(line);
    if (setting === undefined) return true;
    const isWeak = builtIn.includes(wordFor(setting) ?? '');
    // An idle tunnel is not an idle request, unless somebody says so.
    if (isWeak && setting === 'timeout tunnel') return false;
    return ![...own, ...(isWeak ? defaults : [])].some((other) => startsWith(other, setting));
  });
}

const isH2 = (traffic: Traffic | undefined) =>
  traffic?.protocol === 'http2' || traffic?.protocol === 'grpc';

/** A section's own lines, then those of `listen` that belong there. */
function linesFor(section: 'frontend' | 'backend', service: HaproxyService): readonly string[] {
  const listen = (service.listen ?? []).filter((line) => sectionsOf(line)[section]);
  return runningLines([...(service[section] ?? []), ...listen]);
}

/**
 * A disabled server that makes HAProxy load the certificates which servers that are added at runtime
 * name: those must be loaded already.
 */
function seedOf(service: HaproxyService, backend: readonly string[]): readonly string[] {
  const options = (service.server_options ?? '').replace(/%\{\w+\}/g, 'localhost');
  const defaults = backend.filter((line) => startsWith(line, 'default-server'));
  const needsFiles = [options, ...defaults].some((line) =>
    /\s(ca-file|crt|crl-file)\s/.test(` ${line}`),
  );
  return needsFiles ? [`server synapse-seed 127.0.0.1:9 ${options} disabled`] : [];
}

const idleClose = 'option idle-close-on-response';

function wantsIdleClose(frontend: readonly string[], defaults: readonly string[]): boolean {
  const lines = [...defaults, ...frontend];
  const mode = lines.findLast((line) => startsWith(line, 'mode'));
  const said = lines.some((line) => line.toLowerCase().includes('idle-close-on-response'));
  return !said && mode !== undefined && /\shttp$/i.test(mode);
}

function bindLine(
  { port, bind_address, bind_options }: HaproxyService,
  top: HaproxyConfig,
  proto: string | undefined,
): string {
  const address = bind_address ?? top.bind_address;
  const where = port === null ? address : `${address}:${port}`;
  return ['bind', where, proto, bind_options].filter(Boolean).join(' ');
}

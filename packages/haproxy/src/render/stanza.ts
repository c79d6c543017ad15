import type { HaproxyConfig, HaproxyService } from '../config/config.ts';
import { runningLines } from '../config/removed/running.ts';
import { frontendLines } from '../policy/frontend.ts';
import { backendLines as policyLines, serverWords } from '../policy/recovery.ts';
import { settingOf } from '../policy/settings.ts';
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
  /** The `defaults` lines, where the file is synapse's own. */
  readonly tidy: { readonly defaults: readonly string[] } | undefined;
  /** The file of the values that a policy changes without a reload. */
  readonly map: string;
}

/**
 * The originals' stanza: own lines, then `listen` lines where they belong, then bind and default
 * backend; what a policy adds stands beside them, and a line of the user's own wins over it. In files that are
 * synapse's own, idle keep-alive connections are closed after an answer when HAProxy reloads, not before one.
 */
export function stanzaOf(
  name: string,
  service: HaproxyService,
  { top, tidy, map }: StanzaSettings,
): Stanza {
  const listen = (service.listen ?? []).map((line) => ({ line, to: sectionsOf(line) }));
  const own = runningLines([
    ...(service.frontend ?? []),
    ...listen.filter(({ to }) => to.frontend).map(({ line }) => line),
  ]);
  const running = runningLines([
    ...(service.backend ?? []),
    ...listen.filter(({ to }) => to.backend).map(({ line }) => line),
  ]);
  const backendName = service.backend_name ?? name;
  const { traffic } = service;
  const policed = traffic && frontendLines(traffic, { map, syslog: top.syslog });
  const frontend = [
    ...unsaid(policed?.settings ?? [], own),
    ...own,
    ...(policed?.rules ?? []),
    ...(policed?.choice ?? []),
  ];
  const backend = [
    ...unsaid(traffic ? policyLines(traffic, backendName) : [], running),
    ...running,
    ...seedOf(service, running),
  ];
  const closing = tidy && wantsIdleClose(frontend, tidy.defaults) ? [idleClose] : [];
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

/** A policy's lines without those that set what the user's own lines set. */
function unsaid(lines: readonly string[], own: readonly string[]): readonly string[] {
  return lines.filter((line) => {
    const keyword = settingOf(line);
    return keyword === undefined || !own.some((other) => startsWith(other, keyword));
  });
}

const isH2 = (traffic: Traffic | undefined) =>
  traffic?.protocol === 'http2' || traffic?.protocol === 'grpc';

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

import type { HaproxyConfig, HaproxyService } from '../config/config.ts';
import { runningLines } from '../config/removed/running.ts';
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
}

/**
 * The originals' stanza: own lines, then `listen` lines where they belong, then bind and default
 * backend. `tidy` also closes idle keep-alive connections after an answer when HAProxy reloads, not
 * before one: for files that are synapse's own.
 */
export function stanzaOf(
  name: string,
  service: HaproxyService,
  top: HaproxyConfig,
  tidy: { readonly defaults: readonly string[] } | undefined,
): Stanza {
  const frontend = linesFor('frontend', service);
  const running = linesFor('backend', service);
  const backendName = service.backend_name ?? name;
  const backend = [...running, ...seedOf(service, running)];
  const closing = tidy && wantsIdleClose(frontend, tidy.defaults) ? [idleClose] : [];
  return {
    backendName,
    backend,
    shared: runningLines(service.shared_frontend ?? []),
    frontend:
      service.port === undefined
        ? undefined
        : [...frontend, ...closing, bindLine(service, top), `default_backend ${backendName}`],
  };
}

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
): string {
  const address = bind_address ?? top.bind_address;
  const where = port === null ? address : `${address}:${port}`;
  return ['bind', where, bind_options].filter(Boolean).join(' ');
}

import { readSourceWithServices, type Source, validate } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import type { CheckConfig } from './checks/table.ts';
import type { Place } from './reporters/reporter.ts';
import { placeOf } from './reporters/table.ts';
import { configSchema, type ParsedConfig, type ParsedService } from './schema.ts';

/** What nerve is to do, ready for use. */
export interface Config {
  readonly instanceId: string;
  /** The ZooKeeper session timeout to ask for, in milliseconds. */
  readonly sessionTimeout: number | undefined;
  readonly services: readonly ServiceConfig[];
}

export interface ServiceConfig {
  readonly name: string;
  /** What is announced while the service is up, and where. */
  readonly instance: Instance;
  readonly place: Place;
  /** How often each check starts, in milliseconds. */
  readonly checkInterval: number;
  readonly checks: readonly CheckConfig[];
}

/**
 * Reads nerve's file and its `service_conf_dir`; an instance id given here wins over the file's. Throws
 * a `ConfigError` that lists every problem.
 */
export async function loadConfig(file: string, instanceId?: string): Promise<Config> {
  return parseConfig(await readSourceWithServices(file), instanceId);
}

/** The same for a source that was read. */
export function parseConfig(source: Source, instanceId?: string): Config {
  return toConfig(validate(configSchema, instanceId ? withInstanceId(source, instanceId) : source));
}

function withInstanceId(source: Source, instanceId: string): Source {
  const { value } = source;
  if (typeof value !== 'object' || value === null) return source;
  return { ...source, value: { ...value, instance_id: instanceId } };
}

function toConfig(parsed: ParsedConfig): Config {
  return {
    instanceId: parsed.instance_id,
    sessionTimeout: parsed.zookeeper?.session_timeout,
    services: Object.entries(parsed.services).map(([name, service]) => ({
      name,
      instance: instanceOf(service, parsed.instance_id),
      place: placeOf(name, service, parsed),
      checkInterval: service.check_interval,
      checks: service.checks,
    })),
  };
}

function instanceOf(service: ParsedService, instanceId: string): Instance {
  const { host, port, weight, labels, haproxy_server_options: options } = service;
  return {
    host,
    port,
    name: instanceId,
    ...(weight !== undefined && { weight }),
    ...(options !== undefined && { haproxyServerOptions: options }),
    ...(labels !== undefined && { labels }),
  };
}

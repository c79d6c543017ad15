import { dirname, resolve } from 'node:path';

import {
  ConfigError,
  formatPath,
  messageOf,
  readSourceWithServices,
  type Source,
  validate,
} from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import type { CheckDeps } from './checks/check.ts';
import { type CheckConfig, createCheck } from './checks/table.ts';
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
  /** The configuration's folder, which relative file names are meant from. */
  readonly directory: string;
}

/**
 * Reads nerve's file and its `service_conf_dir`; an instance id given here wins over the file's. Throws
 * a `ConfigError` that lists every problem.
 */
export async function loadConfig(file: string, instanceId?: string): Promise<Config> {
  const source = await readSourceWithServices(file);
  const config = parseConfig(source, dirname(resolve(file)), instanceId);
  await tryChecks(config, source);
  return config;
}

/** The configuration that a source holds, with relative file names meant from a folder. */
export function parseConfig(source: Source, directory: string, instanceId?: string): Config {
  const named = instanceId ? withInstanceId(source, instanceId) : source;
  return toConfig(validate(configSchema, named), directory);
}

/** Creates every check for once: what one needs and is not there is a problem of the configuration. */
async function tryChecks({ services }: Config, source: Source): Promise<void> {
  const problems = await Promise.all(
    services.flatMap((service) =>
      service.checks.map(async (check, index) => {
        const path = ['services', service.name, 'checks', index];
        const refused = (error: unknown) =>
          `${source.locate(path)}: ${formatPath(path)}: ${messageOf(error)}`;
        return createCheck(check, checkDepsOf(service)).then(
          () => [],
          (error) => [refused(error)],
        );
      }),
    ),
  );
  if (problems.flat().length > 0) throw new ConfigError(problems.flat());
}

/** What a service's checks take over from it. */
export function checkDepsOf({ name, instance, directory }: ServiceConfig): CheckDeps {
  return { service: name, host: instance.host, port: instance.port, directory };
}

function withInstanceId(source: Source, instanceId: string): Source {
  const { value } = source;
  if (typeof value !== 'object' || value === null) return source;
  return { ...source, value: { ...value, instance_id: instanceId } };
}

function toConfig(parsed: ParsedConfig, directory: string): Config {
  return {
    instanceId: parsed.instance_id,
    sessionTimeout: parsed.zookeeper?.session_timeout,
    services: Object.entries(parsed.services).map(([name, service]) => ({
      name,
      instance: instanceOf(service, parsed.instance_id),
      place: placeOf(name, service, parsed),
      checkInterval: service.check_interval,
      checks: service.checks,
      directory,
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

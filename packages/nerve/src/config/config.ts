import { resolve } from 'node:path';

import {
  type Source,
  type StatusAddress,
  type ValidateOptions,
  validate,
} from '@smartstack/daemon';
import type {
  ConsulSection,
  EtcdSection,
  NetworkInstance,
  ZooKeeperSection,
} from '@smartstack/registry';
import { keyOfPlace, type Place, placesOf } from '../announce/reporters/table.ts';
import type { CheckDeps } from '../checks/check.ts';
import type { CheckConfig } from '../checks/table.ts';
import type { TtlReports } from '../checks/ttl-reports.ts';
import type { DampingLimits } from '../health/damping.ts';
import { defaultStateDirectory } from '../operator/state-directory.ts';
import type { BucketLimits } from '../services/token-bucket.ts';
import { defaultDamping } from './policy-schema.ts';
import { configSchema, type ParsedConfig } from './schema.ts';
import type { ParsedService } from './service-schema.ts';

/** nerve's configuration, ready for use; times in milliseconds. */
export interface Config {
  readonly instanceId: string;
  /** How ZooKeeper sessions are opened. */
  readonly zookeeper: ZooKeeperSection | undefined;
  /** How etcd is spoken to. */
  readonly etcd: EtcdSection | undefined;
  readonly consul: ConsulSection | undefined;
  readonly statusAddress: StatusAddress | false;
  readonly stateDirectory: string | false;
  /** How long nerve keeps running after it has withdrawn everything. */
  readonly drain: number;
  readonly heartbeatPath: string | undefined;
  readonly statsd: { readonly host: string; readonly port: number } | undefined;
  readonly services: readonly ServiceConfig[];
}

export interface ServiceConfig {
  readonly name: string;
  /** What is announced while the service is up. */
  readonly instance: NetworkInstance;
  /** Where: in one registry or in several, each by itself. */
  readonly places: readonly Place[];
  /** How often each check starts. */
  readonly checkInterval: number;
  readonly checks: readonly CheckConfig[];
  readonly policy: ServicePolicy;
  /** The configuration's folder; relative file names are resolved from it. */
  readonly directory: string;
}

/** How a service's state decides whether it is announced. */
export interface ServicePolicy {
  readonly flapDamping: DampingLimits | false;
  readonly startGrace: number;
  readonly warmup: number | undefined;
  readonly rateLimit: (BucketLimits & { readonly shadow: boolean }) | undefined;
}

export interface ParseOptions extends ValidateOptions {
  /** Wins over the file's. */
  readonly instanceId?: string | undefined;
}

/** The configuration in a source; relative file names are resolved from the folder. */
export function parseConfig(
  source: Source,
  directory: string,
  { instanceId, ...options }: ParseOptions = {},
): Config {
  const named = instanceId ? withInstanceId(source, instanceId) : source;
  return toConfig(validate(configSchema, named, options), directory);
}

/** A key that services with the same address at the same place share. */
export function endpointKeyOf(
  { instance: { host, port } }: Pick<ServiceConfig, 'instance'>,
  place: Place,
): string {
  return JSON.stringify([keyOfPlace(place), host.toLowerCase(), port]);
}

/** What a service's checks get from it. */
export function checkDepsOf(
  { name, instance, directory }: ServiceConfig,
  ttlReports: TtlReports,
): CheckDeps {
  return { service: name, host: instance.host, port: instance.port, directory, ttlReports };
}

function withInstanceId(source: Source, instanceId: string): Source {
  const { value } = source;
  if (typeof value !== 'object' || value === null) return source;
  return { ...source, value: { ...value, instance_id: instanceId } };
}

function toConfig(parsed: ParsedConfig, directory: string): Config {
  return {
    instanceId: parsed.instance_id,
    zookeeper: parsed.zookeeper,
    etcd: parsed.etcd,
    consul: parsed.consul,
    statusAddress: parsed.status_address,
    stateDirectory:
      parsed.state_directory === false
        ? false
        : resolve(directory, parsed.state_directory ?? defaultStateDirectory()),
    drain: parsed.drain,
    heartbeatPath: parsed.heartbeat_path && resolve(directory, parsed.heartbeat_path),
    statsd: parsed.statsd,
    services: servicesOf(parsed, directory),
  };
}

function servicesOf(parsed: ParsedConfig, directory: string): readonly ServiceConfig[] {
  return Object.entries(parsed.services).flatMap(([name, service]) =>
    namesOf(name, service).map((each) => ({
      name: each,
      instance: instanceOf(service, parsed.instance_id),
      places: placesOf(name, service, parsed),
      checkInterval: service.check_interval,
      checks: service.check_mocked ? [] : service.checks,
      policy: policyOf(service, parsed),
      directory,
    })),
  );
}

/** The names of a service's instances: those of a load test are numbered. */
function namesOf(name: string, { load_test_concurrency: count }: ParsedService) {
  if (count === undefined) return [name];
  return Array.from({ length: count }, (_, index) => `${name}_${index}`);
}

function policyOf(service: ParsedService, top: ParsedConfig): ServicePolicy {
  return {
    flapDamping: service.flap_damping ?? top.flap_damping ?? defaultDamping,
    startGrace: service.start_grace ?? top.start_grace ?? 0,
    warmup: service.warmup,
    rateLimit: service.rate_limiting,
  };
}

function instanceOf(service: ParsedService, instanceId: string): NetworkInstance {
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

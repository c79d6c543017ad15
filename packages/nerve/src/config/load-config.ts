import { dirname, resolve } from 'node:path';

import {
  ConfigError,
  formatPath,
  messageOf,
  problemsAt,
  type ReadServiceFile,
  readSourceWithServices,
  type Source,
  type ValidateOptions,
} from '@smartstack/daemon';

import { etcdProblems, sessionProblems } from '@smartstack/registry';
import { CheckKeyError } from '../checks/check.ts';
import { createCheck } from '../checks/table.ts';
import { createTtlReports } from '../checks/ttl-reports.ts';
import { type Config, checkDepsOf, parseConfig } from './config.ts';
import { readConfigFile } from './read-config-file.ts';

export interface LoadOptions extends Pick<ValidateOptions, 'strict'> {
  /** Wins over the file's. */
  readonly instanceId?: string | undefined;
  /** Reads the services' files another way. */
  readonly readService?: ReadServiceFile;
}

/** A valid configuration with its warnings. */
export interface LoadedConfig {
  readonly config: Config;
  /** As it was written. */
  readonly source: Source;
  readonly warnings: readonly string[];
}

/** Reads nerve's file and its `service_conf_dir`; throws a `ConfigError` that lists every problem. */
export async function loadConfig(file: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  const { instanceId, readService, strict } = options;
  const source = await readSourceWithServices(file, readConfigFile, readService);
  const warnings = [...source.warnings];
  const warn = (warning: string) => void warnings.push(warning);
  const config = parseConfig(source, dirname(resolve(file)), { instanceId, strict, warn });
  await checkCredentials(config, source);
  await tryChecks(config, source);
  return { config, source, warnings };
}

async function checkCredentials({ zookeeper, etcd }: Config, source: Source): Promise<void> {
  const problems = await sessionProblems(zookeeper);
  if (problems.length > 0) throw problemsAt(source, 'zookeeper', problems);
  const ofEtcd = await etcdProblems(etcd);
  if (ofEtcd.length > 0) throw problemsAt(source, 'etcd', ofEtcd);
}

/** Creates every check once: a file or library that one needs and that is missing is a problem of the configuration. */
async function tryChecks({ services }: Config, source: Source): Promise<void> {
  const ttlReports = createTtlReports();
  const problems = await Promise.all(
    services.flatMap((service) =>
      service.checks.map(async (check, index) => {
        const path = ['services', service.name, 'checks', index];
        const refused = (error: unknown) => {
          const at = error instanceof CheckKeyError ? [...path, error.key] : path;
          return `${source.locate(at)}: ${formatPath(at)}: ${messageOf(error)}`;
        };
        return createCheck(check, checkDepsOf(service, ttlReports)).then(
          () => [],
          (error) => [refused(error)],
        );
      }),
    ),
  );
  if (problems.flat().length > 0) throw new ConfigError(problems.flat());
}

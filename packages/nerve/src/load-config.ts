import { dirname, resolve } from 'node:path';

import {
  ConfigError,
  formatPath,
  messageOf,
  type ReadServiceFile,
  readSourceWithServices,
  type Source,
} from '@smartstack/daemon';

import { createBeats } from './beats.ts';
import { createCheck } from './checks/table.ts';
import { type Config, checkDepsOf, parseConfig } from './config.ts';

/**
 * Reads nerve's file and its `service_conf_dir`; an instance id given here wins over the file's. Throws
 * a `ConfigError` that lists every problem.
 */
export async function loadConfig(
  file: string,
  instanceId?: string,
  read?: ReadServiceFile,
): Promise<Config> {
  const source = await readSourceWithServices(file, read);
  const config = parseConfig(source, dirname(resolve(file)), instanceId);
  await tryChecks(config, source);
  return config;
}

/** Creates every check for once: what one needs and is not there is a problem of the configuration. */
async function tryChecks({ services }: Config, source: Source): Promise<void> {
  const beats = createBeats();
  const problems = await Promise.all(
    services.flatMap((service) =>
      service.checks.map(async (check, index) => {
        const path = ['services', service.name, 'checks', index];
        const refused = (error: unknown) =>
          `${source.locate(path)}: ${formatPath(path)}: ${messageOf(error)}`;
        return createCheck(check, checkDepsOf(service, beats)).then(
          () => [],
          (error) => [refused(error)],
        );
      }),
    ),
  );
  if (problems.flat().length > 0) throw new ConfigError(problems.flat());
}

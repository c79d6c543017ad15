import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ConfigError } from '@smartstack/daemon';

import { type LoadedConfig, loadConfig } from './config.ts';

/** Loads a configuration from a folder of its own, in which it is `synapse.yaml`. */
export async function loadText(yaml: string): Promise<LoadedConfig> {
  const directory = await mkdtemp(join(tmpdir(), 'synapse-policy-'));
  const file = join(directory, 'synapse.yaml');
  try {
    await writeFile(file, yaml);
    const loaded = await loadConfig(file);
    const warnings = loaded.warnings.map((warning) => warning.replace(`${directory}/`, ''));
    return { ...loaded, warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.problems.map((problem) => problem.replace(`${directory}/`, '')));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** What is wrong with a configuration; throws where nothing is. */
export async function problemsOf(yaml: string): Promise<readonly string[]> {
  const error: unknown = await loadText(yaml).catch((caught: unknown) => caught);
  if (!(error instanceof ConfigError)) throw new Error('was accepted');
  return error.problems;
}

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type RealServer, startServer } from '../servers/server.ts';

/** A target as Prometheus knows it, before relabelling. */
export interface Target {
  readonly scrapePool: string;
  readonly discoveredLabels: Readonly<Record<string, string>>;
}

/** A real Prometheus, which finds its targets by itself. */
export interface Prometheus extends RealServer {
  targets(): Promise<readonly Target[]>;
}

/** How long a change may take: Prometheus gathers what its discoveries found every 5 s; in milliseconds. */
export const gathered = 30_000;

/** Starts Prometheus with these `scrape_configs`. */
export async function startPrometheus(jobs: readonly object[]): Promise<Prometheus> {
  const server = await startServer({
    prepare: (_, { directory }) =>
      writeFile(join(directory, 'prometheus.yml'), JSON.stringify({ scrape_configs: jobs })),
    command: ({ directory, port }) => [
      'prometheus',
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
  });
  const url = `http://127.0.0.1:${server.port}/api/v1/targets?state=active`;
  return {
    ...server,
    targets: async () => {
      const answer = (await (await fetch(url)).json()) as {
        readonly data: { readonly activeTargets: readonly Target[] };
      };
      return answer.data.activeTargets;
    },
  };
}

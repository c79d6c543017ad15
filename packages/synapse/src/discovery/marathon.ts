import { duration, type Mechanism } from '@smartstack/daemon';
import {
  type BadRecord,
  createDecoder,
  getJson,
  type Instance,
  isHost,
} from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { polled, recordOf } from './polled.ts';

const schema = z
  .strictObject({
    method: z.literal('marathon'),
    marathon_api_url: z
      .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
      .meta({ description: 'where Marathon is asked', examples: ['http://marathon:8080'] }),
    application_name: z
      .string()
      .min(1)
      .meta({ description: 'the application', examples: ['/shop/web'] }),
    marathon_api_path: z
      .string()
      .startsWith('/')
      .default('/v2/apps/%{app}/tasks')
      .meta({
        description: 'what it is asked for; `%{app}` stands for the application',
        examples: ['/api/v2/apps/%{app}/tasks'],
      }),
    check_interval: duration
      .prefault(10)
      .meta({ description: 'how often it is asked', examples: ['30s'] }),
    port_index: z
      .int()
      .min(0)
      .default(0)
      .meta({ description: 'which of a task’s ports is meant', examples: [1] }),
  })
  .meta({ description: 'a Marathon application’s started tasks' });

const timeout = 10_000;

/** Asks Marathon for an application's started tasks. */
export const marathon: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'marathon',
  schema,
  create: (config, { log, metrics, onTrouble }) => {
    const decode = createDecoder(
      `marathon ${config.application_name}`,
      { log, metrics },
      (id, data) => readTask(id, data, config.port_index),
    );
    const path = config.marathon_api_path.replaceAll('%{app}', config.application_name);
    const url = new URL(path, config.marathon_api_url);
    return polled({
      interval: config.check_interval,
      log,
      onTrouble,
      ask: async (signal) => {
        const { tasks } = answer.parse(await getJson({ url, timeout }, signal), {
          error: () => 'not what Marathon answers',
        });
        return decode(tasks.map(recordOf));
      },
    });
  },
};

const answer = z.object({ tasks: z.array(z.unknown()) });
const task = z.object({
  host: z.string(),
  ports: z.array(z.int().min(0).max(65_535)).nullish(),
  startedAt: z.string().nullish(),
});

/** A task that has not started, or has no such port yet, is no member; one of another shape is left out alone. */
function readTask(id: string, data: Buffer, index: number): Instance | BadRecord {
  const read = task.safeParse(JSON.parse(data.toString() || 'null'));
  if (!read.success) return { id, reason: 'not a task of Marathon' };
  const { host, ports, startedAt } = read.data;
  if (!startedAt) return { id, reason: 'it has not started', isUsual: true };
  const port = ports?.[index];
  // Marathon writes 0 for a port that it has not chosen yet.
  if (!port) return { id, reason: `it has no port ${index}`, isUsual: true };
  if (!isHost(host)) return { id, reason: 'bad host' };
  return { name: host, host, port };
}

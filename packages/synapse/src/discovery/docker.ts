import { setTimeout as sleep } from 'node:timers/promises';

import { createLatest, duration, type Mechanism } from '@smartstack/daemon';
import {
  type BadRecord,
  badRecordsOf,
  createDecoder,
  getJson,
  hostSchema,
  type Instance,
  openGet,
  type RegistryRecord,
  withBadRecords,
} from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { lastGood, polled, recordOf } from './polled.ts';

const port = z
  .union([z.int(), z.string().regex(/^\d{1,5}$/)])
  .pipe(z.coerce.number<number | string>())
  .meta({ written: { type: ['integer', 'string'], pattern: '^\\d{1,5}$' } });
const server = z.strictObject({
  name: z
    .string()
    .optional()
    .meta({ description: 'the name of its members', examples: ['docker-1'] }),
  host: hostSchema.meta({
    description: 'the engine, and where its published ports are reached',
    examples: ['10.0.0.1'],
  }),
  port: port.default(4243).meta({ description: 'where the engine listens', examples: [2375] }),
  socket: z
    .string()
    .startsWith('/')
    .optional()
    .meta({
      description: 'the engine’s UNIX socket, in place of its port',
      examples: ['/var/run/docker.sock'],
    }),
});

const schema = z
  .strictObject({
    method: z.literal('docker'),
    servers: z
      .array(server)
      .min(1)
      .meta({ description: 'the engines', examples: [[{ host: '10.0.0.1', port: 2375 }]] }),
    image_name: z
      .string()
      .min(1)
      .meta({ description: 'the image, of any tag', examples: ['example/web'] }),
    container_port: port.meta({
      description: 'the containers’ own port, whose published one is meant',
      examples: [8080],
    }),
    check_interval: duration.prefault(15).meta({
      description: 'how often engines are asked beside their events',
      examples: ['5s'],
    }),
  })
  .meta({
    description:
      'where the port of an image’s containers is published. Asked when an engine tells of an event, and each `check_interval`',
  });

type Config = z.output<typeof schema>;
type Server = z.output<typeof server>;

const timeout = 10_000;
const reconnectDelay = 5_000;
/** Events that may change where ports are published; a health check in a container is an event too. */
const decisive = ['start', 'die', 'destroy', 'pause', 'unpause', 'rename'];

/**
 * Asks Docker engines for the containers of an image and where their port is published: whenever an
 * engine tells of an event, and now and then all the same. The last answer of an engine stands while it does not answer.
 */
export const docker: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'docker',
  schema,
  create: (config, { log, metrics, onTrouble = () => {} }) => {
    const engines = config.servers.map((each) => {
      const decode = createDecoder(
        `docker ${each.socket ?? each.host}`,
        { log, metrics },
        (id, data) => readContainer(id, data, each, config),
      );
      const ask = async (signal: AbortSignal) =>
        onceEach(decode(await containersOn(each, config, signal)));
      return lastGood(ask, (reason) => {
        onTrouble(reason, `engine ${each.host}`);
        if (reason === undefined) return;
        const fix = 'check that docker answers this machine; it is asked again';
        log.warn({ reason, fix }, 'engine keeps what it had');
      });
    });
    return polled({
      interval: config.check_interval,
      log,
      onTrouble,
      hints: (signal) => events(config.servers, signal),
      ask: async (signal) => {
        const lists = await Promise.all(engines.map((ask) => ask(signal)));
        return withBadRecords(lists.flat(), lists.flatMap(badRecordsOf));
      },
    });
  },
};

/** 0 stands for none. */
const publicPort = z.int().min(0).max(65_535);
const container = z.object({
  Id: z.unknown().optional(),
  Image: z.string(),
  Ports: z.array(z.object({ PrivatePort: z.int(), PublicPort: publicPort.nullish() })).nullish(),
});

/** The image's containers, one record for each place where the port is published; one of another shape as it is. */
async function containersOn(
  engine: Server,
  { image_name: image, container_port: wanted }: Config,
  signal: AbortSignal,
): Promise<readonly RegistryRecord[]> {
  const found = z
    .array(z.unknown())
    .parse(await getJson({ ...at(engine, '/containers/json'), timeout }, signal), {
      error: () => 'not what a Docker engine answers',
    });
  return found.flatMap((item, index) => {
    const read = container.safeParse(item);
    if (!read.success) return [recordOf(item, index)];
    const { Id, Image, Ports } = read.data;
    if (withoutTag(Image) !== withoutTag(image)) return [];
    const published = (Ports ?? []).filter(
      ({ PrivatePort, PublicPort }) => PrivatePort === wanted && PublicPort,
    );
    const places = published.length > 0 ? published.map((each) => [each]) : [[]];
    return places.map((each) => recordOf({ Id, Image, Ports: each }, index));
  });
}

function readContainer(
  id: string,
  data: Buffer,
  { name, host }: Server,
  { container_port: wanted }: Config,
): Instance | BadRecord {
  const read = container.safeParse(JSON.parse(data.toString() || 'null'));
  if (!read.success) return { id, reason: 'not a container of Docker' };
  const port = read.data.Ports?.[0]?.PublicPort;
  if (!port) return { id, reason: `its port ${wanted} is not published`, isUsual: true };
  return { ...(name !== undefined && { name }), host, port };
}

/** A port that is published for IPv4 and IPv6 is one member; in order. */
function onceEach(list: readonly Instance[]): readonly Instance[] {
  const byPort = new Map(list.map((each) => [each.port, each]));
  const sorted = [...byPort.values()].sort((one, other) => Number(one.port) - Number(other.port));
  return withBadRecords(sorted, badRecordsOf(list));
}

/** An image without its tag; a registry's port is none. */
function withoutTag(image: string): string {
  return image.replace(/:[^:/]*$/, '');
}

function at({ host, port: tcp, socket }: Server, path: string) {
  const authority = host.includes(':') ? `[${host}]` : host;
  return { url: new URL(path, `http://${authority}:${tcp}`), socketPath: socket };
}

/** Yields when any engine tells of a container's event; one that does not tell is left to polling. */
async function* events(
  servers: readonly Server[],
  signal: AbortSignal,
): AsyncGenerator<void, void> {
  const news = createLatest<void>();
  const listening = servers.map((each) => listen(each, news.set, signal));
  yield* news.values(signal);
  await Promise.all(listening);
}

async function listen(engine: Server, tell: () => void, signal: AbortSignal): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ type: ['container'], event: decisive }));
  while (!signal.aborted) {
    try {
      const response = await openGet(at(engine, `/events?filters=${filters}`), signal);
      if (response.statusCode !== 200) response.destroy();
      for await (const _ of response) tell();
    } catch {
      // Polling finds what events do not tell.
    }
    await sleep(reconnectDelay, undefined, { signal }).catch(() => {});
  }
}

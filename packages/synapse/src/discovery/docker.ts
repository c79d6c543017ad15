import { setTimeout as sleep } from 'node:timers/promises';

import { createLatest, duration, type Mechanism, messageOf } from '@smartstack/daemon';
import { hostSchema, type Instance } from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { getJson, openGet } from './http/get.ts';
import { lastGood, polled } from './polled.ts';

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
 * engine tells of an event, and now and then all the same. An engine that does not answer keeps what it had.
 */
export const docker: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'docker',
  schema,
  create: (config, { log }) => {
    const engines = config.servers.map((each) =>
      lastGood(
        (signal) => containersOn(each, config, signal),
        (error) =>
          log.warn(
            {
              reason: messageOf(error),
              fix: 'see that docker answers this machine; it is asked again',
            },
            'engine keeps what it had',
          ),
      ),
    );
    return polled({
      interval: config.check_interval,
      log,
      hints: (signal) => events(config.servers, signal),
      ask: async (signal) => (await Promise.all(engines.map((ask) => ask(signal)))).flat(),
    });
  },
};

const container = z.object({
  Image: z.string(),
  Ports: z.array(z.object({ PrivatePort: z.int(), PublicPort: z.int().nullish() })).nullish(),
});

async function containersOn(
  engine: Server,
  { image_name: image, container_port: wanted }: Config,
  signal: AbortSignal,
): Promise<readonly Instance[]> {
  const found = z
    .array(z.unknown())
    .parse(await getJson({ ...at(engine, '/containers/json'), timeout }, signal), {
      error: () => 'not what a Docker engine answers',
    });
  const ports = found
    .flatMap((each) => container.safeParse(each).data ?? [])
    .filter((container) => withoutTag(container.Image) === withoutTag(image))
    .flatMap(({ Ports }) => Ports ?? [])
    .flatMap(({ PrivatePort, PublicPort }) =>
      PrivatePort === wanted && PublicPort ? [PublicPort] : [],
    );
  const { name, host } = engine;
  return [...new Set(ports)]
    .sort((a, b) => a - b)
    .map((published) => ({ ...(name !== undefined && { name }), host, port: published }));
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
      // What it does not tell, polling finds.
    }
    await sleep(reconnectDelay, undefined, { signal }).catch(() => {});
  }
}

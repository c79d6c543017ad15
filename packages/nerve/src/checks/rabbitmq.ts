import type { ChannelModel } from 'amqplib';
import { z } from 'zod';

import { addressOf, type CheckMechanism, nameOf, networkKeys, targetOf } from './check.ts';
import { loadClient } from './client.ts';
import { attempt } from './reason.ts';

const schema = z
  .strictObject({
    type: z.literal('rabbitmq'),
    ...networkKeys(),
    username: z
      .string()
      .min(1)
      .default('guest')
      .meta({ description: 'the user', examples: ['nerve'] }),
    password: z
      .string()
      .default('guest')
      .meta({ description: 'its password', examples: ['secret'] }),
    vhost: z
      .string()
      .min(1)
      .default('/')
      .meta({ description: 'the virtual host', examples: ['shop'] }),
    queue: z
      .string()
      .min(1)
      .max(255)
      .default('nerve')
      .meta({
        description: 'the queue; made when missing, not durable, and its messages expire',
        examples: ['health'],
      }),
  })
  .meta({
    description:
      'passes when a message can be published to a queue and got back; needs `npm install amqplib`',
  });

/**
 * Passes when a message that is published to a queue can be got from it again, as RabbitMQ's own
 * aliveness test does. The queue is made when missing, and its messages expire.
 */
export const rabbitmq: CheckMechanism<typeof schema> = {
  type: 'rabbitmq',
  schema,
  create: async (config, deps) => {
    const { connect } = await loadClient('amqplib', () => import('amqplib'));
    const { host: hostname, port } = targetOf(config, deps);
    const { username, password, vhost, queue } = config;
    const server = { protocol: 'amqp', hostname, port, username, password, vhost, heartbeat: 0 };
    const ask = async (signal: AbortSignal) => {
      const connection = await connect(server, { signal, noDelay: true });
      connection.on('error', () => {});
      await passOn(connection, queue);
      await connection.close();
    };
    const what = `ask rabbitmq ${addressOf({ host: hostname, port })}`;
    return {
      name: nameOf(config, deps),
      run: (signal) => attempt(what, () => ask(signal), signal),
    };
  },
};

async function passOn(connection: ChannelModel, queue: string): Promise<void> {
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  // The same kind of queue as the original nerve's, so that one it made can be used.
  await channel.assertQueue(queue, { durable: false });
  const options = { mandatory: true, expiration: 2000 };
  channel.publish('', queue, Buffer.from('nerve test message'), options);
  const message = await channel.get(queue);
  if (message === false) throw new Error(`nothing came back from the queue ${queue}`);
  channel.ack(message);
  await channel.close();
}

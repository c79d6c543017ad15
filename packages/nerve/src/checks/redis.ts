import { z } from 'zod';

import { addressOf, type CheckMechanism, nameOf, networkKeys, targetOf } from './check.ts';
import { type Conversation, converse } from './conversation.ts';
import { failure } from './reason.ts';

const schema = z
  .strictObject({
    type: z.literal('redis'),
    ...networkKeys(),
    username: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'the user', examples: ['nerve'] }),
    password: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'its password', examples: ['secret'] }),
  })
  .meta({ description: 'passes when PING and EXISTS are answered' });

/** Passes when a Redis answers PING and EXISTS, after AUTH where a password is given. */
export const redis: CheckMechanism<typeof schema> = {
  type: 'redis',
  schema,
  create: (config, service) => {
    const target = targetOf(config, service);
    const { username, password } = config;
    const commands = [
      ...(password === undefined ? [] : [['AUTH', ...(username ? [username] : []), password]]),
      ['PING'],
      // A server that is loading its data or waits for a majority may answer PING alone.
      ['EXISTS', 'nerve-redis-service-check'],
    ];
    return {
      name: nameOf(config, service),
      run: async (signal) => {
        const talk = (conversation: Conversation) => ask(conversation, commands);
        try {
          await converse(target, talk, signal);
        } catch (error) {
          throw failure(`ask redis ${addressOf(target)}`, error);
        }
      },
    };
  },
};

/** Sends all commands at once, in Redis' serialization protocol, and reads one line for each. */
async function ask(
  { write, line }: Conversation,
  commands: readonly (readonly string[])[],
): Promise<void> {
  write(commands.map(encode).join(''));
  for (const [command = ''] of commands) {
    const answer = await line();
    if (answer.startsWith('-')) throw new Error(`${command}: ${answer.slice(1)}`);
    if (!/^(\+(OK|PONG)|:\d+)$/.test(answer)) throw new Error(`${command}: not a Redis answer`);
  }
}

function encode(words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join('')}`;
}

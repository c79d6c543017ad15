import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { on, once } from 'node:events';
import { connect, isIPv6 } from 'node:net';

import { createDeadline, messageOf } from '@smartstack/daemon';

import { decodeAnswer, encodeQuery, type SrvAnswer } from './message.ts';

const timeout = 2_000;
const tries = 2;

/**
 * The SRV records of a name with their times to live, which Node does not tell; none where there is no
 * such name. `servers` as `dns.getServers` has them. Rejects with each server's reason when none answers.
 */
export async function resolveSrv(
  name: string,
  servers: readonly string[],
  signal: AbortSignal,
): Promise<SrvAnswer['records']> {
  const reasons = new Set<string>();
  for (let round = 0; round < tries; round += 1)
    for (const server of servers) {
      try {
        const answer = await ask(name, server, signal);
        if (answer.code === 0 || answer.code === 3) return answer.records;
        reasons.add(`${server}: failed with code ${answer.code}`);
      } catch (error) {
        signal.throwIfAborted();
        reasons.add(`${server}: ${messageOf(error)}`);
      }
    }
  throw new Error(`cannot look up ${name}: ${[...reasons].join('; ')}`);
}

async function ask(name: string, server: string, outer: AbortSignal): Promise<SrvAnswer> {
  using deadline = createDeadline(timeout, outer);
  const { host, port } = addressOf(server);
  const id = randomInt(65_536);
  const question = encodeQuery(id, name);
  const answer = await overUdp({ host, port, id, question }, deadline.signal);
  return answer.isTruncated ? await overTcp({ host, port, id, question }, deadline.signal) : answer;
}

interface Question {
  readonly host: string;
  readonly port: number;
  readonly id: number;
  readonly question: Buffer;
}

async function overUdp(
  { host, port, id, question }: Question,
  signal: AbortSignal,
): Promise<SrvAnswer> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    const connected = once(socket, 'connect', { signal });
    socket.connect(port, host);
    await connected;
    const messages = on(socket, 'message', { signal });
    socket.send(question);
    for await (const [message] of messages) {
      const answer = decodeAnswer(id, message as Buffer);
      if (answer) return answer;
    }
    throw new Error('no answer');
  } finally {
    socket.close();
  }
}

/** The same question behind its length, two bytes; the answer likewise. */
async function overTcp(
  { host, port, id, question }: Question,
  signal: AbortSignal,
): Promise<SrvAnswer> {
  const socket = connect({ host, port, signal });
  try {
    socket.write(
      Buffer.concat([Buffer.from([question.length >> 8, question.length & 255]), question]),
    );
    let received = Buffer.alloc(0);
    for await (const part of socket) {
      received = Buffer.concat([received, part as Buffer]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) continue;
      const answer = decodeAnswer(id, received.subarray(2));
      if (answer) return answer;
      break;
    }
    throw new Error('no whole answer');
  } finally {
    socket.destroy();
  }
}

/** `address`, `address:port` or `[address]:port`. */
function addressOf(server: string): { readonly host: string; readonly port: number } {
  const [, host = server, port = '53'] =
    /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(server)?.filter(Boolean) ?? [];
  return { host, port: Number(port) };
}

import { setTimeout as sleep } from 'node:timers/promises';

import { answerOf, type Each, each, eachOf, type ProtocolName } from './protocols.ts';
import { type Ask, askers } from './requests.ts';

/** What the process that sends requests is told: where to and how many of each protocol; later to end. */
export type LoadOrder =
  | { readonly ports: Each<number>; readonly atLeast: number; readonly rate: number }
  | 'end';

/** What it tells: that it has sent so many, and at the end what became of all. */
export type LoadNews = 'enough' | Each<Sent>;

export interface Sent {
  readonly sent: number;
  readonly failed: number;
  /** Why, each with how often. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** Requests at the same time. A connection for each request takes longer than the others. */
const atOnce: Each<number> = { http1: 16, http2: 16, grpc: 16, tcp: 48 };
/** How much slower one goes on that has sent enough, and waits for the others. */
const slower = 50;
/** How far behind its rate it may be before it forgets what it missed, in milliseconds. */
const late = 100;

let told = false;
let asks: Each<Ask> | undefined;

// Whoever started this is gone.
process.once('disconnect', () => process.exit());
process.on('message', (order: LoadOrder) => {
  if (order === 'end') told = true;
  else void send(order);
});

async function send({ ports, atLeast, rate }: Exclude<LoadOrder, 'end'>): Promise<void> {
  told = false;
  asks ??= each((protocol) => askers[protocol](ports[protocol]));
  const own = asks;
  let missing = Object.keys(ports).length;
  const onEnough = () => {
    missing -= 1;
    if (missing === 0) process.send?.('enough' satisfies LoadNews);
  };
  const all = await eachOf((protocol) =>
    sendTo({ protocol, ask: own[protocol], atLeast, rate, onEnough }),
  );
  process.send?.(all satisfies LoadNews);
}

interface Sending {
  readonly protocol: ProtocolName;
  readonly ask: Ask;
  readonly atLeast: number;
  /** Requests a second, at most. */
  readonly rate: number;
  /** So many were sent. */
  onEnough(): void;
}

/** So many requests at a time, until told to end. */
async function sendTo({ protocol, ask, atLeast, rate, onEnough }: Sending): Promise<Sent> {
  let sent = 0;
  let failed = 0;
  let next = performance.now();
  const reasons: Record<string, number> = {};
  const one = async (request: number) => {
    try {
      const answer = await ask(request);
      const [, member = ''] = answer.split(' ');
      if (answer !== answerOf(protocol, member, request))
        throw new Error(`answered by another: "${answer}"`);
    } catch (error) {
      failed += 1;
      const reason = error instanceof Error ? error.message : String(error);
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
  };
  const work = async () => {
    while (!told) {
      const pause = (sent < atLeast ? 1_000 : 1_000 * slower) / rate;
      next = Math.max(next + pause, performance.now() - late);
      const wait = next - performance.now();
      if (wait > 1) await sleep(wait);
      const request = sent;
      sent += 1;
      if (sent === atLeast) onEnough();
      await one(request);
    }
  };
  await Promise.all(Array.from({ length: atOnce[protocol] }, work));
  return { sent, failed, reasons };
}

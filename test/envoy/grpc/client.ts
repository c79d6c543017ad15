import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { register } from '@grpc/grpc-js-xds';

// A gRPC application without a proxy. It reads commands, a line of JSON each, and answers each with one.

interface Asked {
  readonly service: string;
  readonly op: 'call' | 'start' | 'stop';
  readonly count?: number;
  readonly path?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** In milliseconds. */
  readonly deadline?: number;
  readonly parallel?: number;
}

type Tally = Record<string, number>;

register();
const clients = new Map<string, Client>();

function clientOf(service: string): Client {
  const known =
    clients.get(service) ?? new Client(`xds:///${service}`, credentials.createInsecure());
  clients.set(service, known);
  return known;
}

const same = (bytes: Buffer) => bytes;

/** What a call got: the member's answer, or the name of its status. */
function call({ service, path = '/echo.Echo/Say', metadata = {}, deadline = 10_000 }: Asked) {
  const sent = new Metadata();
  for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
  return new Promise<string>((resolve) => {
    clientOf(service).makeUnaryRequest(
      path,
      same,
      same,
      Buffer.from('hello'),
      sent,
      { deadline: Date.now() + deadline },
      (error: ServiceError | null, value?: Buffer) => {
        if (error) process.stderr.write(`${error.message}\n`);
        resolve(error ? (status[error.code] ?? 'UNKNOWN') : String(value));
      },
    );
  });
}

async function callAll(asked: Asked): Promise<{ answers: Tally; took: number }> {
  const { count = 1, parallel = 1 } = asked;
  const answers: Tally = {};
  const start = performance.now();
  let left = count;
  const work = async () => {
    while (left-- > 0) note(answers, await call(asked));
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return { answers, took: performance.now() - start };
}

function note(tally: Tally, key: string): void {
  tally[key] = (tally[key] ?? 0) + 1;
}

let load: { isOver: boolean; readonly done: Promise<Tally> } | undefined;

/** Calls without a pause but a short one, until it is told to stop. */
function start(asked: Asked) {
  const state = { isOver: false, done: Promise.resolve<Tally>({}) };
  const run = async () => {
    const answers: Tally = {};
    const work = async () => {
      while (!state.isOver) {
        note(answers, await call(asked));
        await sleep(2);
      }
    };
    await Promise.all(Array.from({ length: asked.parallel ?? 4 }, work));
    return answers;
  };
  load = Object.assign(state, { done: run() });
}

async function answer(asked: Asked): Promise<object> {
  if (asked.op === 'call') return callAll(asked);
  if (asked.op === 'start') {
    start(asked);
    return {};
  }
  if (load) load.isOver = true;
  return { answers: await load?.done };
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Asked))}\n`);
process.exit();

import { startTraffic, type Traffic } from '../../test/support/traffic.ts';
import { Interrupted } from './interrupted.ts';
import type { Options } from './options.ts';
import { totals, watchTraffic } from './panel.ts';
import type { Scene } from './scene.ts';
import type { Screen } from './screen.ts';
import { joins, leaves, spreads, start, type Teller } from './story.ts';

const requestsPerSecond = 200;

/**
 * Tells the story once, and then stays until aborted unless told not to. Throws what went wrong; told
 * once, a lost request is wrong.
 */
export async function perform(
  scene: Scene,
  screen: Screen,
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const teller: Teller = { scene, screen, pause: options.once ? 2_000 : 5_000, signal };
  screen.say(`\n  ${screen.paint('bold', 'SmartStack')}, the whole way on this machine\n`);
  await start(teller);

  const curtain = new AbortController();
  const end = AbortSignal.any([signal, curtain.signal]);
  const traffic = startTraffic(scene.setting.port, requestsPerSecond, end);
  const panel = watchTraffic(screen, traffic, end);
  try {
    await spreads(teller, traffic);
    await leaves(teller, traffic, 'web-2');
    await joins(teller, traffic, 'web-4');
    if (!options.once) await stay(teller);
  } finally {
    curtain.abort();
    await Promise.all([traffic.done, panel]);
    screen.close();
  }
  screen.say(`\n  ${totals(screen, traffic)}`);
  if (options.once) refuseLosses(traffic);
  screen.say('  Ending every part of it …');
}

function refuseLosses({ lost, reasons }: Traffic) {
  if (lost === 0) return;
  const each = [...reasons].map(([reason, times]) => `${times} × ${reason}`);
  throw new Error(`${lost} requests were lost: ${each.join(', ')}`);
}

/** Lets the person at the terminal try things, until Ctrl-C. */
async function stay({ scene, screen, signal }: Teller): Promise<void> {
  for (const line of invitation(scene)) screen.say(line);
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  if (!(signal.reason instanceof Interrupted)) throw signal.reason;
}

function invitation({ setting, pidOf }: Scene): readonly string[] {
  const { folder, proxy, port, pagePort, statusPort, copies } = setting;
  const [first, second] = copies;
  const again = `node examples/http-service/service.js --name ${second?.name} --port ${second?.port}`;
  return [
    '',
    '  Now it is yours. In another terminal:',
    `    curl http://127.0.0.1:${port}/`,
    `    kill -9 ${pidOf(first?.name ?? '')}   # takes ${first?.name} away`,
    `    ${again}   # brings ${second?.name} back`,
    `    curl http://127.0.0.1:${statusPort}/status   # what synapse knows`,
    `  ${proxy.title}'s own page: http://127.0.0.1:${pagePort}/`,
    `  What the daemons were told, and their logs: ${folder}`,
    '  Ctrl-C ends it and leaves nothing behind.',
  ];
}

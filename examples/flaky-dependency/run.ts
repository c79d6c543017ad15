import { type Answer, ask, status, tally } from '../../test/policy/world.fixture.ts';
import { say } from '../traffic/figures.ts';
import { play } from '../traffic/play.ts';
import type { Scene } from '../traffic/scene.ts';

const names = ['payments-1', 'payments-2', 'payments-3'] as const;
const services = ['without-retries', 'payments', 'without-budget'] as const;

await play('flaky-dependency', async (scene) => {
  console.log('payments-2 answers every second request with 503:');
  for (const service of services) {
    everySecond(scene, 'payments-2');
    await show(scene, service, 300);
  }
  console.log('all members answer every request with 503:');
  for (const name of names) scene.member(name).behave(status(503));
  for (const service of services) await show(scene, service, 600);
});

/** What the callers got, and how many requests that were for the members. */
async function show(scene: Scene, service: string, requests: number): Promise<void> {
  const members = names.map((name) => scene.member(name));
  for (const { seen } of members) seen.length = 0;
  const answers = await tally(requests, (): Promise<Answer> => ask(scene.port(service)), 'status');
  const load = members.reduce((sum, { seen }) => sum + seen.length, 0);
  say(`  ${service}, ${requests} requests`, { ...answers, 'at members': load });
}

function everySecond(scene: Scene, name: string): void {
  let asked = 0;
  scene.member(name).behave((_, response) => {
    asked += 1;
    response.statusCode = asked % 2 === 0 ? 503 : 200;
    response.end(name);
  });
}

import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { commandOf } from '../support/daemon.ts';
import { until } from '../support/until.ts';
import { createScene, type Scene } from './scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await createScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

const nerve = (...args: string[]) =>
  execa(process.execPath, [commandOf('nerve'), '-c', scene.scratch.path('nerve.yaml'), ...args], {
    reject: false,
    all: true,
  });

test.each([
  ['down', ['down', 'a', '--wait'], ['a']],
  ['drain', ['drain'], ['a', 'b', 'c']],
])(
  'nerve %s does not say that a record is gone before ZooKeeper says so, whatever its session',
  async (_, command, services) => {
    await scene.nerve();
    await scene.announced(3);
    await scene.zookeeper.kill('SIGKILL');
    // Longer than the session timeout of 6 s: the record may stand all the same.
    const { exitCode, all } = await nerve(...command, '--timeout', '9s');
    expect(all).toBe(
      `${services.join(', ')}: still announced after 9 s: the registry does not answer, so the record may stand and be used; nerve withdraws it once it does`,
    );
    expect(exitCode).toBe(1);
    const { all: status } = await nerve('status');
    expect(status).toContain('The registry does not answer: what is announced there stands.');
    expect(status).toMatch(/^a .* \/services\/web .*taken down by/m);

    await scene.zookeeper.start();
    const again = await nerve(...command, '--timeout', '30s');
    expect(again.all).toMatch(/gone from the registry$/);
    expect(again.exitCode).toBe(0);
    await until(async () => (await scene.names()).length === 3 - services.length);
  },
);

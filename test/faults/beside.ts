import { expect, vi } from 'vitest';
import type { Output } from '../../packages/proxy/src/driver.ts';
import { type Scene, startScene } from './synapse.ts';

export const soon = { timeout: 10_000, interval: 10 };

/** A whole driver that notes the hosts of the good service whenever it is told of them. */
export function recorder() {
  const seen: string[] = [];
  const driver: Output = {
    name: 'recorder',
    apply: async (snapshot) => {
      seen.push(...(snapshot.get('api')?.instances ?? []).map(({ host }) => host));
      return 'updated';
    },
    wakes: async function* () {},
    status: () => ({}),
    [Symbol.asyncDispose]: async () => {},
  };
  return { driver, seen };
}

/** A scene of a broken driver beside a good one; `atEnd` as for any scene. */
export async function startBeside(broken: Output, atEnd?: Scene['atEnd']) {
  const good = recorder();
  const drivers = [broken, good.driver];
  const scene = await startScene({
    discovery: { method: 'base' },
    drivers,
    ...(atEnd && { atEnd }),
  });
  const trouble = () => scene.status(drivers).proxies[broken.name]?.trouble ?? undefined;
  const goesOn = async (host: string) => {
    scene.change(host);
    await vi.waitFor(() => expect(good.seen).toContain(host), soon);
    expect(scene.status(drivers).proxies.recorder).toEqual({});
  };
  const said = () => scene.lines.filter(({ proxy, level }) => proxy === broken.name && level > 30);
  return { scene, trouble, goesOn, said };
}

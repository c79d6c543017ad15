import { createMetrics, silentLog } from '@smartstack/daemon';
import { expect, test } from 'vitest';

import { createAgents } from './agents.ts';
import { consulSchema } from './section.ts';

const today = Math.floor(Date.now() / 86_400_000);
const deps = { owner: 'vm-1', log: silentLog, metrics: createMetrics() };
const sectionAt = (port: number) =>
  consulSchema.parse({ url: `http://127.0.0.1:${port}`, token: 'secret', wait: 7 });
const agents = (...earlier: readonly (readonly [port: number, day: number])[]) =>
  createAgents({
    ...deps,
    earlier: earlier.map(([port, day]) => ({ section: sectionAt(port), day })),
  });

test('the next process is told how to reach those that were used, and when', () => {
  const used = agents([1, today - 1], [2, today]);
  used.open(sectionAt(2));
  used.open(sectionAt(3));
  const access = (port: number) => ({ url: `http://127.0.0.1:${port}`, token: 'secret' });
  expect(used.used()).toEqual([
    { section: access(1), day: today - 1 },
    { section: access(2), day: today },
    { section: access(3), day: today },
  ]);
});

test('one that has not answered for days is looked at no more', () => {
  expect(agents([1, today - 3], [2, today - 2]).used()).toMatchObject([{ day: today - 2 }]);
  expect(agents([1, today - 3]).inherited()).toEqual([]);
});

test('at its end those are left at which it could not deregister', async () => {
  const used = agents();
  used.open(sectionAt(1));
  expect(used.used()).toHaveLength(1);
  await used[Symbol.asyncDispose]();
  expect(used.used()).toEqual([]);
});

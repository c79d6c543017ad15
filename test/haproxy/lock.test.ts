import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { createScratch } from '../support/scratch.ts';

const program = fileURLToPath(new URL('lock.fixture.ts', import.meta.url));

test('of several processes that find a dead one’s lock at once, one takes it', async () => {
  await using scratch = await createScratch();
  const processes = Array.from({ length: 4 }, () =>
    fork(program, { execArgv: ['--conditions=source', '--import', 'tsx'] }),
  );
  try {
    await Promise.all(processes.map(answer));
    for (let round = 0; round < 30; round++) {
      const path = scratch.path(`lock-${round}`);
      await writeFile(path, '4194305 1');
      const answers = await Promise.all(processes.map((each) => ask(each, path)));
      expect(answers.filter((each) => each === 'won')).toHaveLength(1);
      await Promise.all(processes.map((each) => ask(each, '')));
    }
  } finally {
    for (const each of processes) each.kill();
  }
});

async function answer(from: ChildProcess): Promise<unknown> {
  const [message] = (await once(from, 'message')) as [unknown];
  return message;
}

function ask(one: ChildProcess, path: string): Promise<unknown> {
  const answered = answer(one);
  one.send(path);
  return answered;
}

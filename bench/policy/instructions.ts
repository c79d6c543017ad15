import { readdir, readFile, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { join } from 'node:path';

import { execa } from 'execa';

import { answerOf, program } from '../../test/support/haproxy.ts';
import { createScratch } from '../../test/support/scratch.ts';
import { until } from '../../test/support/until.ts';

const requests = 400;

/**
 * How many instructions HAProxy itself needs for a request at each of these ports, counted by callgrind: the same
 * on every run, whatever else the machine does. The kernel's are not among them.
 */
export async function instructionsAt(
  config: string,
  ports: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  await using scratch = await createScratch();
  const text = await readFile(config, 'utf8');
  const alone = /^\s+(stats socket|user|group|server-state-file|load-server-state|log) .*$/gm;
  await writeFile(scratch.path('haproxy.cfg'), text.replace(alone, ''));
  const out = scratch.path('callgrind');
  const child = execa(
    'valgrind',
    [
      '--tool=callgrind',
      `--callgrind-out-file=${out}`,
      program,
      '-db',
      '-f',
      scratch.path('haproxy.cfg'),
    ],
    { reject: false, buffer: false, stdout: 'ignore', stderr: 'ignore' },
  );
  const control = (word: string) => execa('callgrind_control', [word, String(child.pid)]);
  try {
    const counts = new Map<string, number>();
    for (const [name, port] of ports) {
      await until(() => answerOf(port).then(() => true));
      await ask(port, 50);
      await control('-z');
      await ask(port, requests);
      await control('-d');
      counts.set(name, (await counted(scratch.directory, counts.size + 1)) / requests);
    }
    return counts;
  } finally {
    child.kill('SIGTERM');
    await child;
  }
}

/** So many requests on one connection. */
async function ask(port: number, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < count; i++)
    await new Promise<void>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, agent, headers: { 'x-user': 'somebody' } };
      get(options, (response) => response.resume().once('end', resolve)).once('error', reject);
    });
  agent.destroy();
}

/** What the n-th dump says in all. */
async function counted(directory: string, dump: number): Promise<number> {
  return until(async () => {
    const files = await readdir(directory);
    const file = files.find((name) => name === `callgrind.${dump}`);
    const text = file && (await readFile(join(directory, file), 'utf8'));
    const [, total] = /^(?:summary|totals): (\d+)/m.exec(text || '') ?? [];
    return total === undefined ? undefined : Number(total);
  });
}

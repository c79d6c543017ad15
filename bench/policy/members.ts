import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';

import type { Instance } from '@smartstack/registry';
import { execa } from 'execa';
import { answerOf, program } from '../../test/support/haproxy.ts';
import { freePort } from '../../test/support/ports.ts';
import { createScratch } from '../../test/support/scratch.ts';
import { until } from '../../test/support/until.ts';

/** Members that cost next to nothing: a HAProxy of their own answers for them. */
export interface Members extends AsyncDisposable {
  /** With labels `version: v1` and so on. */
  readonly list: readonly Instance[];
}

export async function startMembers(count: number): Promise<Members> {
  const scratch = await createScratch();
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const lines = [
    'global',
    ' nbthread 1',
    ' maxconn 2000',
    'defaults',
    ' mode http',
    ' timeout client 1m',
    ' timeout http-keep-alive 1m',
    'frontend members',
    ...ports.map((port) => ` bind 127.0.0.1:${port}`),
    ' http-request return status 200 content-type text/plain string ok',
  ];
  await writeFile(scratch.path('members.cfg'), `${lines.join('\n')}\n`);
  const child = execa(program, ['-db', '-f', scratch.path('members.cfg')], { reject: false });
  await until(() => answerOf(ports[0] ?? 0).then(() => true));
  return {
    list: ports.map((port, index) => ({
      name: `m${index}`,
      host: '127.0.0.1',
      port,
      labels: { version: `v${index + 1}` },
    })),
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await scratch[Symbol.asyncDispose]();
    },
  };
}

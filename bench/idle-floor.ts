import { availableParallelism } from 'node:os';

import { execa } from 'execa';

/** A process that does the least that a daemon does: once a second it wakes and asks somebody on this machine. */
export interface IdleFloor extends AsyncDisposable {
  readonly pid: number;
}

const program = `
const { createServer, connect } = require('node:net');
const server = createServer((client) => client.end('x')).listen(0, '127.0.0.1', () =>
  setInterval(() => connect(server.address().port, '127.0.0.1').resume(), 1000));
`;

/** What a wake costs depends on the machine, and on what else keeps it awake: so a share of a core says little by itself. */
export function startIdleFloor(): IdleFloor {
  const floor = execa(process.execPath, ['-e', program], { reject: false });
  return {
    pid: floor.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      floor.kill('SIGKILL');
      await floor;
    },
  };
}

/**
 * Keeps every core awake, at the lowest priority. What a machine needs to wake a core that slept counts as the time of
 * the process that it wakes for: many times what that one does itself, in a virtual machine.
 */
export function keepAwake(): AsyncDisposable {
  const program = 'for (const end = Date.now() + 300_000; Date.now() < end; );';
  const spinners = Array.from({ length: availableParallelism() }, () =>
    execa('nice', ['-n', '19', process.execPath, '-e', program], { reject: false }),
  );
  return {
    [Symbol.asyncDispose]: async () => {
      for (const spinner of spinners) spinner.kill('SIGKILL');
      await Promise.all(spinners);
    },
  };
}

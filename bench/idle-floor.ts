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

import { UserError } from '../error.ts';
import { createLog } from '../logs/log.ts';
import { runDaemon } from './run.ts';

/** A daemon that does what its first argument says. */
const ways: Record<string, (signal: AbortSignal) => Promise<void>> = {
  wait: (signal) =>
    new Promise((_, reject) => {
      const alive = setInterval(() => {}, 1000);
      signal.addEventListener('abort', () => {
        clearInterval(alive);
        reject(signal.reason);
      });
      process.stdout.write('ready\n');
    }),
  hang: () =>
    new Promise(() => {
      setInterval(() => {}, 1000);
      process.stdout.write('ready\n');
    }),
  refuse: async () => {
    throw new UserError('port 80 is taken');
  },
  float: () =>
    new Promise(() => {
      setInterval(() => {}, 1000);
      void Promise.reject(new Error('a defect'));
    }),
};

await runDaemon(ways[process.argv[2] ?? ''] ?? (async () => {}), {
  log: createLog('fixture'),
  deadline: 200,
});

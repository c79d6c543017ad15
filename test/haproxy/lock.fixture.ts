import { takeLock } from '../../packages/proxy/src/process/lock.ts';

// A process of its own that takes a lock when it is told a path, and lets go when it is told none.
let held: AsyncDisposable | undefined;

async function obey(path: string): Promise<string> {
  if (path !== '') {
    held = await takeLock(path, 'stop that one').catch(() => undefined);
    return held ? 'won' : 'lost';
  }
  await held?.[Symbol.asyncDispose]();
  held = undefined;
  return 'free';
}

process.on('message', (path: string) => {
  obey(path).then(
    (answer) => process.send?.(answer),
    () => process.exit(1),
  );
});
process.send?.('ready');

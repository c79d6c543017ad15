import { expect, test } from 'vitest';

import { startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

/** Sets a variable for as long as the block lasts: daemons are started with this process's environment. */
function withVariable(name: string, value: string): Disposable {
  const before = process.env[name];
  process.env[name] = value;
  return {
    [Symbol.dispose]: () => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    },
  };
}

test.each(['nerve', 'synapse'] as const)(
  'all that %s writes is a line of JSON, with every part of it in use and whatever Node.js warns of',
  async (name) => {
    await using scratch = await createScratch();
    using _options = withVariable(
      'NODE_OPTIONS',
      `--import data:text/javascript,${encodeURIComponent("process.once('SIGWINCH', () => process.emitWarning('careful', { code: 'C1' }))")}`,
    );
    const services = Array.from({ length: 30 }, (_, index) => [
      `s${index}`,
      name === 'nerve'
        ? { host: '127.0.0.1', port: 20_000 + index, checks: [{ type: 'noop' }] }
        : { discovery: { method: 'file' }, file_output: { disabled: true } },
    ]);
    const own =
      name === 'nerve'
        ? { instance_id: 'vm-1', heartbeat_path: scratch.path('heartbeat') }
        : {
            file_output: { output_directory: scratch.path('files') },
            snapshot_file: scratch.path('snapshot.json'),
            haproxy: { stats_address: false, run_directory: scratch.path('run'), on_exit: 'stop' },
          };
    await using daemon = await startDaemon(
      name,
      {
        statsd: { host: 'localhost' },
        status_address: `127.0.0.1:${await freePort()}`,
        registry: { type: 'file', directory: scratch.path('registry') },
        services: Object.fromEntries(services),
        ...own,
      },
      scratch.directory,
    );
    const started = name === 'nerve' ? 'announced' : 'following';
    await until(() => daemon.log.some(({ msg }) => msg === started));
    daemon.kill('SIGWINCH');
    await until(() => daemon.log.some(({ msg }) => msg === 'Node.js warns'));
    expect(daemon.log.filter(({ level }) => level === 0)).toEqual([]);
    expect(daemon.log.filter(({ msg }) => msg === 'Node.js warns')).toMatchObject([
      { level: 40, warning: 'Warning', reason: 'careful', code: 'C1' },
    ]);
  },
);

import { createStatsd } from '@smartstack/daemon';
import { expect, test, vi } from 'vitest';

import { startStatsdServer } from '../../../../test/support/statsd-server.ts';

import { statsdMeasures } from './statsd.ts';

test("counts go out in one datagram, under the originals' names and tags", async () => {
  using server = await startStatsdServer();
  using statsd = createStatsd({ host: '127.0.0.1', port: server.port });
  const measures = statsdMeasures(statsd, 'web');
  measures.check('web tcp-h:1')(true, 1);
  measures.state(false);
  measures.at(undefined).registryError();
  measures.throttled(false);
  await vi.waitFor(() => expect(server.received).toHaveLength(4));
  expect(server.received).toEqual([
    'nerve.watcher.status.service_check:1|c|#check_result:up,service_name:web,check_name:web tcp-h:1',
    'nerve.watcher.status.transition:1|c|#new_status:down,service_name:web',
    'nerve.watcher.status.report.count:1|c|#report_result:fail,service_name:web',
    'nerve.watcher.throttled:1|c|#service_name:web,rate_limit_enabled:true',
  ]);
});

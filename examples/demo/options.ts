import { parseArgs } from 'node:util';

import { type DemoProxyName, demoProxies } from './proxies.ts';

export interface Options {
  readonly registry: 'zookeeper' | 'file';
  readonly proxy: DemoProxyName;
  /** Tell the story and exit, rather than stay until Ctrl-C. */
  readonly once: boolean;
  /** Where the proxy listens for the service; absent: 3213, or a free port when that one is taken. */
  readonly port: number | undefined;
}

/** Reads the demo's command line, which `scripts/demo.sh --help` describes. Throws what is wrong with it. */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      registry: { type: 'string', default: 'zookeeper' },
      proxy: { type: 'string', default: 'haproxy' },
      once: { type: 'boolean', default: false },
      port: { type: 'string' },
    },
  });
  const { registry, proxy, once } = values;
  if (registry !== 'zookeeper' && registry !== 'file')
    throw new Error(`cannot use registry ${registry}: expected zookeeper or file`);
  if (!isProxy(proxy)) throw new Error(`cannot use proxy ${proxy}: expected haproxy or envoy`);
  const port = values.port === undefined ? undefined : portOf(values.port);
  return { registry, proxy, once, port };
}

const isProxy = (name: string): name is DemoProxyName => Object.hasOwn(demoProxies, name);

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`cannot use port ${text}: expected a number from 1 to 65535`);
  return port;
}

import { connect, type SessionOptions } from '@smartstack/zookeeper';

import { createDecoder, type DecoderDeps } from '../decoder.ts';
import { encodeInstance } from '../instance.ts';
import type { Registry } from '../registry.ts';

export interface ZooKeeperRegistryOptions
  extends DecoderDeps,
    Omit<SessionOptions, 'chroot' | 'log' | 'metrics'> {
  /** `host:port` each; a chroot may follow the last, as in `zk1:2181,zk2:2181/stack`. */
  readonly hosts: readonly string[];
}

/**
 * Announcements are ephemeral sequential nodes `<path>/<name>_<sequence>` with the instance as JSON,
 * as Airbnb's nerve writes them. One session, opened at once, serves all paths.
 */
export function createZooKeeperRegistry(options: ZooKeeperRegistryOptions): Registry {
  const { hosts, log, metrics } = options;
  const session = connect({ ...options, ...splitChroot(hosts) });
  return {
    announce: async (path, instance, signal) => {
      const node = await session.ephemeral(
        {
          path: `${path}/${instance.name ?? ''}_`,
          data: encodeInstance(instance),
          sequential: true,
        },
        signal,
      );
      log.debug({ path, node: node.path }, 'announced');
      return {
        update: (next, updateSignal) => node.update(encodeInstance(next), updateSignal),
        [Symbol.asyncDispose]: () => node.release(),
      };
    },

    watch: async function* (path, signal) {
      const decode = createDecoder(path, { log, metrics });
      for await (const children of session.children(path, signal))
        yield decode(children.map(({ name, data }) => ({ id: name, data })));
    },

    [Symbol.asyncDispose]: () => session.close(),
  };
}

/** The hosts and the chroot, which a ZooKeeper connect string carries behind its last host. */
export function splitChroot(hosts: readonly string[]): Pick<SessionOptions, 'hosts' | 'chroot'> {
  const text = hosts.join(',');
  const slash = text.indexOf('/');
  const names = (slash === -1 ? text : text.slice(0, slash)).split(',').map((host) => host.trim());
  const chroot = slash === -1 ? '' : text.slice(slash).replace(/\/+$/, '');
  return { hosts: names.filter((name) => name !== ''), ...(chroot !== '' && { chroot }) };
}

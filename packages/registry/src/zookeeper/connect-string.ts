import type { SessionOptions } from '@smartstack/zookeeper';

/** The hosts and the chroot, which a ZooKeeper connect string carries behind its last host. */
export function splitChroot(hosts: readonly string[]): Pick<SessionOptions, 'hosts' | 'chroot'> {
  const text = hosts.join(',');
  const slash = text.indexOf('/');
  const names = (slash === -1 ? text : text.slice(0, slash)).split(',').map((host) => host.trim());
  const chroot = slash === -1 ? '' : text.slice(slash).replace(/\/+$/, '');
  return { hosts: names.filter((name) => name !== ''), ...(chroot !== '' && { chroot }) };
}

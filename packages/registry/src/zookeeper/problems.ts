import { messageOf } from '@smartstack/daemon';
import { parseHost, pathProblem } from '@smartstack/zookeeper';

import { isHost } from '../instance/instance.ts';
import { splitChroot } from './connect-string.ts';

/** What is wrong with a list of ZooKeeper's hosts, with a chroot or without, or undefined. */
export function hostsProblem(written: readonly string[]): string | undefined {
  const scheme = written.join(',').match(/\w+:\/\//)?.[0];
  if (scheme !== undefined) return `expected host:port, without ${scheme}`;
  const { hosts, chroot } = splitChroot(written);
  if (chroot?.includes(','))
    return `expected a chroot behind the last host only, which holds for all: ${withOneChroot(written)}`;
  const problem = chroot === undefined ? undefined : pathProblem(chroot);
  if (problem !== undefined) return `cannot use the chroot ${chroot}: ${problem}`;
  if (hosts.length === 0) return 'expected at least one host:port';
  return hosts.map(hostProblem).find((each) => each !== undefined);
}

function hostProblem(text: string): string | undefined {
  try {
    const { name } = parseHost(text);
    return isHost(name)
      ? undefined
      : `expected host:port, got ${JSON.stringify(text)}: ${name} is no host name`;
  } catch (error) {
    return messageOf(error);
  }
}

function withOneChroot(written: readonly string[]): string {
  const each = written.join(',').split(',');
  const chroot = each.map((host) => /\/.*$/.exec(host)?.[0]).find((found) => found !== undefined);
  return `${each.map((host) => host.replace(/\/.*$/, '')).join(',')}${chroot}`;
}

/** What is wrong with a path that a service is announced at, or undefined. */
export function nodePathProblem(path: string): string | undefined {
  const expected = 'expected an absolute path such as /services/web';
  if (!path.startsWith('/') || path.endsWith('/')) return expected;
  const problem = pathProblem(path);
  return problem === undefined ? undefined : `${expected}: ${problem}`;
}

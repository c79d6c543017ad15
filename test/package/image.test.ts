import { execa } from 'execa';
import { expect, test } from 'vitest';

import { createScratch } from '../support/scratch.ts';
import { packageOf, version } from './packages.ts';

/** Runs lines of shell in a clean Debian in which nothing runs, as where an image is built. */
async function inRoot(directory: string, script: string): Promise<string> {
  const { SMARTSTACK_DEBIAN_ROOT: lower } = process.env;
  const mounted = `set -eu
    mkdir -p ${directory}/upper ${directory}/work ${directory}/root
    mount -t overlay overlay -o lowerdir=${lower},upperdir=${directory}/upper,workdir=${directory}/work ${directory}/root
    mount -t proc proc ${directory}/root/proc
    mount --bind ${process.cwd()}/dist ${directory}/root/mnt
    exec chroot ${directory}/root /bin/sh -euc "$0"`;
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  const args = ['--mount', '--pid', '--fork', 'sh', '-c', mounted, script];
  return (await execa('unshare', args, { env, extendEnv: false })).stdout;
}

test('where an image is built it installs, and is enabled for the first boot', async () => {
  await using scratch = await createScratch();
  const file = (await packageOf('nerve')).replace('dist/', '/mnt/');
  const said = await inRoot(
    scratch.directory,
    `dpkg -i ${file} >/dev/null 2>&1
    nerve --version
    nerve --check-config
    systemctl is-enabled nerve.service
    dpkg --purge smartstack-nerve >/dev/null 2>&1
    find /etc /var/lib -name '*nerve*' -not -path '*/dpkg/*'`,
  );
  expect(said).toBe(`${version}\n/etc/nerve/nerve.yaml: ok, 0 services\nenabled`);
});

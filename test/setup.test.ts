import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';

import { execa } from 'execa';
import { describe, expect, test } from 'vitest';

import { createScratch } from './support/scratch.ts';

describe('scripts/setup.sh', () => {
  test('--check lists what is there, and is content where tests run', async () => {
    const { stdout, exitCode } = await setup({}, '--check');
    const parts = stdout.split('\n').map((line) => line.split(' ')[0]);
    expect(parts).toEqual(['node', 'packages', 'build', 'zookeeper', 'haproxy', 'tools']);
    expect(stdout).not.toContain('missing');
    expect(exitCode).toBe(0);
  });

  test('does and says nothing when everything is there', async () => {
    await expectReady();
    expect(await setup({})).toMatchObject({ all: '', exitCode: 0 });
  });

  test('refuses an old Node.js before it does anything', async () => {
    const { all, exitCode } = await setup({ node: 'echo v18.19.0' });
    expect(all).toBe(
      'setup: cannot run on Node.js: 18.19.0 is too old; install Node.js 20.19 or newer: https://nodejs.org/en/download',
    );
    expect(exitCode).toBe(1);
  });

  test('--check names an old HAProxy and the command that would replace it', async () => {
    const programs = { haproxy: 'echo HAProxy version 2.4.22-0ubuntu0 2023/08/14', id: 'echo 0' };
    const { stdout, exitCode } = await setup({ ...programs, release: 'ID=debian' }, '--check');
    expect(stdout).toContain(
      'haproxy    2.4.22 is too old: 2.6 or newer is needed: apt-get install --no-install-recommends haproxy',
    );
    expect(exitCode).toBe(1);
  });

  test('on Ubuntu, asks for root with sudo, and for no service and no desktop', async () => {
    const { stdout } = await setup(
      { ...bare, id: 'echo 1000', release: 'ID=pop\nID_LIKE="ubuntu debian"' },
      '--check',
    );
    expect(stdout).toContain(
      'sudo apt-get install --no-install-recommends libzookeeper-java default-jre-headless',
    );
    expect(stdout).toContain('sudo apt-get install --no-install-recommends haproxy');
  });

  test.for([
    ['ID=fedora', 'dnf install java-21-openjdk-headless haproxy'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"', 'dnf install java-21-openjdk-headless haproxy'],
    ['ID=slackware', "install zookeeper haproxy with this system's packages"],
    ['', "install zookeeper haproxy with this system's packages"],
  ] as const)('elsewhere (%s) names the command, or docker compose', async ([release, command]) => {
    const { all, exitCode } = await setup({ ...bare, release }, 'zookeeper', 'haproxy');
    expect(all).toContain('setup: cannot install zookeeper and haproxy on this system.');
    expect(all).toContain(command);
    expect(all).toContain('docker compose up');
    expect(exitCode).toBe(1);
  });

  test('on a Mac names brew', async () => {
    const { all, exitCode } = await setup(
      { ...bare, uname: 'echo Darwin' },
      'zookeeper',
      'haproxy',
    );
    expect(all).toContain('brew install zookeeper haproxy');
    expect(exitCode).toBe(1);
  });

  test('sets up only what it is asked for', async () => {
    await expectReady();
    expect(await setup({ java: 'exit 1' }, 'haproxy')).toMatchObject({ all: '', exitCode: 0 });
  });

  test('refuses a part that it does not know', async () => {
    const { all, exitCode } = await setup({}, 'etcd');
    expect(all).toBe('setup: cannot set up etcd: no such part (zookeeper, haproxy, tools, none)');
    expect(exitCode).toBe(1);
  });
});

describe('scripts/haproxy-versions.sh', () => {
  test('says in one line why a release cannot be fetched, and leaves nothing behind', async () => {
    await using cache = await createScratch();
    const { stdout, stderr, exitCode } = await execa(
      'bash',
      ['scripts/haproxy-versions.sh', 'trixie'],
      {
        reject: false,
        env: { DEBIAN_MIRROR: 'file:/no/mirror', XDG_CACHE_HOME: cache.directory },
      },
    );
    expect(stderr.split('\n').at(-1)).toMatch(
      /^cannot fetch HAProxy of Debian trixie from file:.no.mirror: ./,
    );
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
    const kept = await readdir(cache.path('smartstack')).catch(() => []);
    expect(kept.filter((name) => !name.endsWith('.log'))).toEqual([]);
  });

  test('--paths prints where each is or would be', async () => {
    await using cache = await createScratch();
    const { stdout } = await execa('bash', ['scripts/haproxy-versions.sh', '--paths', 'trixie'], {
      env: { XDG_CACHE_HOME: cache.directory },
    });
    expect(stdout).toBe(cache.path('smartstack', 'haproxy-trixie', 'usr', 'sbin', 'haproxy'));
  });
});

/** `npm install` on one platform can leave the others' packages out, and then `npm ci` refuses the file. */
test('package-lock.json holds every optional package that it asks for', async () => {
  const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const wanted = Object.values(packages).flatMap((entry) =>
    Object.keys(entry.optionalDependencies ?? {}),
  );
  const missing = wanted.filter(
    (name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)),
  );
  expect(missing).toEqual([]);
});

/** So that no test installs anything below the tests that run. */
async function expectReady() {
  expect(await setup({}, '--check')).toMatchObject({ exitCode: 0 });
}

/** A machine that has neither. */
const bare = { java: 'exit 1', haproxy: 'exit 1' };

/** Runs the script where some programs are others, and `release` is what /etc/os-release says. */
async function setup(
  { release, ...programs }: Readonly<Record<string, string>>,
  ...args: readonly string[]
) {
  await using scratch = await createScratch();
  await mkdir(scratch.path('bin'));
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(scratch.path('bin', name), `#!/bin/sh\n${script}\n`);
    await chmod(scratch.path('bin', name), 0o755);
  }
  await writeFile(scratch.path('os-release'), release ?? '');
  return await execa('bash', ['scripts/setup.sh', ...args], {
    reject: false,
    all: true,
    env: {
      PATH: `${scratch.path('bin')}:${process.env.PATH}`,
      ...(release !== undefined && { SETUP_OS_RELEASE: scratch.path('os-release') }),
    },
  });
}

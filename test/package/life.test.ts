import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from '../support/until.ts';
import { daemons, packageOf, repack, version } from './packages.ts';
import { haproxy, nerve, openSite, type Site, synapse, type Unit, units } from './site.ts';

/** One machine's life, from its first package to the last trace of it; each test goes on where the one before ended. */

let site: Site;
let machine: Site['machine'];
beforeAll(async () => {
  site = await openSite();
  ({ machine } = site);
});
afterAll(() => site?.[Symbol.asyncDispose]());

const journal = () => machine.run('journalctl', '--no-pager', '--output=cat', '--boot');
const userOf = async (unit: Unit) =>
  machine.run('stat', '-c', '%U', `/proc/${await site.pidOf(unit)}`);

test('apt installs the files and HAProxy, and starts what does nothing yet', async () => {
  await expect(machine.run('haproxy', '-v')).rejects.toThrow('No such file');
  await site.install();
  expect(await machine.run('haproxy', '-v')).toContain('HAProxy version');
  for (const unit of units) {
    expect(await site.isActive(unit), `${unit}\n${await journal()}`).toBe(true);
    expect(await machine.run('systemctl', 'is-enabled', unit)).toBe('enabled');
    expect(await machine.show(unit, 'NRestarts')).toBe('0');
    expect(await userOf(unit)).toMatch(/^smartstack-/);
  }
  expect(await machine.sh('stat -c "%U:%G %a" /etc/nerve/nerve.yaml /var/lib/synapse')).toBe(
    'root:smartstack-nerve 640\nsmartstack-synapse:smartstack-synapse 700',
  );
});

test.for(daemons)(
  '%s says its version, and that the starter configuration is good',
  async (name) => {
    expect(await machine.run(name, '--version')).toBe(version);
    expect(await machine.run(name, '--check-config')).toBe(
      `/etc/${name}/${name}.yaml: ok, 0 services`,
    );
  },
);

test('systemd finds nothing to complain of in the units', async () => {
  expect(await machine.run('systemd-analyze', 'verify', ...units)).toBe('');
  for (const unit of units)
    await machine.run('systemd-analyze', 'security', '--no-pager', '--threshold=20', unit);
});

describe('with a configuration', () => {
  beforeAll(() => site.configure());

  test('requests to the local port are answered', async () => {
    expect(await site.lostDuring(async () => {})).toEqual([]);
  });

  test('an upgrade changes nothing for watchers, and loses no request', async () => {
    for (const name of daemons) {
      const next = await repack(await packageOf(name), '99.0.0', site.scratch);
      await machine.bring(next, `/tmp/${name}-next.deb`);
    }
    const [before, pids] = [await site.seen(), await Promise.all(units.map(site.pidOf))];
    const lost = await site.lostDuring(async () => {
      await machine.sh('dpkg -i /tmp/nerve-next.deb /tmp/synapse-next.deb');
      await site.sessionEnd();
    });
    expect(await site.seen()).toEqual(before);
    expect(lost).toEqual([]);
    for (const name of daemons) expect(await machine.run(name, '--version')).toBe('99.0.0');
    const after = await Promise.all(units.map(site.pidOf));
    expect(after.map((pid, index) => pid === pids[index])).toEqual([false, false, true]);
    for (const unit of units) expect(await site.isActive(unit)).toBe(true);
  });

  test('nor does a restart of both daemons', async () => {
    const [before, pid] = [await site.seen(), await site.pidOf(haproxy)];
    const lost = await site.lostDuring(async () => {
      await machine.run('systemctl', 'restart', nerve, synapse);
      await site.sessionEnd();
    });
    expect(await site.seen()).toEqual(before);
    expect(lost).toEqual([]);
    expect(await site.pidOf(haproxy)).toBe(pid);
  });

  test('a new version that refuses the configuration leaves the old one running', async () => {
    const [before, pid] = [await site.seen(), await site.pidOf(nerve)];
    await machine.sh(
      'cp -p /etc/nerve/nerve.yaml /tmp/good; echo servces: 1 >>/etc/nerve/nerve.yaml',
    );
    expect(await machine.sh('dpkg -i --force-downgrade /tmp/smartstack-nerve_*.deb')).toContain(
      'nerve was not restarted: fix /etc/nerve/nerve.yaml, then: systemctl restart nerve',
    );
    expect(await site.pidOf(nerve)).toBe(pid);
    expect(await site.seen()).toEqual(before);
    await machine.sh('cp -p /tmp/good /etc/nerve/nerve.yaml');
  });

  test('a stopped nerve has withdrawn everything, and is back when it is started', async () => {
    await machine.run('systemctl', 'stop', nerve);
    expect(await site.members()).toEqual([]);
    await machine.run('systemctl', 'start', nerve);
    expect(await site.members(), 'once systemctl says that it is started').toHaveLength(3);
    await until(async () => (await machine.run('synapse', 'wait', 'web', '-m', '3')) !== '');
  });
});

test('removed, it leaves the registry and stops, and its configuration stays', async () => {
  await machine.sh('apt remove -y smartstack-nerve smartstack-synapse');
  expect(await site.members()).toEqual([]);
  for (const unit of units) expect(await machine.show(unit, 'LoadState')).toBe('not-found');
  await machine.sh('test -s /etc/nerve/nerve.yaml && test -s /etc/synapse/synapse.yaml');
  expect(await machine.sh('ls /usr/lib | grep smartstack || true')).toBe('');
});

test('purged, it leaves nothing but what people put there', async () => {
  await machine.sh('apt purge -y smartstack-nerve smartstack-synapse');
  const skipped = ['/proc', '/tmp', '/var/cache/man', '/var/log/journal'];
  const ours = ['nerve', 'synapse', 'smartstack'].map((name) => `-path "*${name}*"`);
  const left = await machine.sh(
    `find / -xdev \\( -path ${skipped.join(' -o -path ')} \\) -prune -o \\( ${ours.join(' -o ')} \\) -type f -print`,
  );
  expect(left.split('\n').sort()).toEqual([
    ...site.copies.map(({ name }) => `/etc/nerve/conf.d/web-${name}.yaml`),
    '/etc/synapse/conf.d/web.yaml',
  ]);
  expect(await machine.run('getent', 'passwd', 'smartstack-nerve')).toContain('nologin');
});

import { connect, type Session } from '@smartstack/zookeeper';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { type Copy, startCopy } from '../support/copies.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../support/zookeeper.ts';
import { bootMachine, type Machine } from './machine.ts';
import { daemons, packageOf, repack, version } from './packages.ts';

/** One machine's life, from its first package to the last trace of it; each test goes on where the one before ended. */

const port = 3213;
const path = '/services/web';
const units = ['nerve.service', 'synapse.service', 'synapse-haproxy.service'];
const sessionTimeout = 6;

let machine: Machine;
let zookeeper: ZooKeeper;
let session: Session;
let scratch: Scratch;
let copies: readonly Copy[];

beforeAll(async () => {
  scratch = await createScratch();
  zookeeper = await startZooKeeper();
  session = connect({ hosts: [zookeeper.hosts] });
  copies = await Promise.all(['a', 'b', 'c'].map(startCopy));
  machine = await bootMachine();
  for (const daemon of daemons) await machine.bring(await packageOf(daemon), `/tmp/${daemon}.deb`);
});
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
  await Promise.all(copies.map((copy) => copy[Symbol.asyncDispose]()));
  await session?.close();
  await zookeeper?.[Symbol.asyncDispose]();
  await scratch?.[Symbol.asyncDispose]();
});

const isActive = async (unit: string) => (await machine.show(unit, 'ActiveState')) === 'active';
const pidOf = async (unit: string) => Number(await machine.show(unit, 'MainPID'));
const journal = () => machine.run('journalctl', '--no-pager', '--output=cat', '--boot');

/** How often the members changed so far, and what stands there: what a watcher could notice. */
async function seen(): Promise<object> {
  const { names, stat } = await session.list(path);
  const nodes = await Promise.all(names.map((name) => session.exists(`${path}/${name}`)));
  return { changes: stat.childrenVersion, nodes: nodes.map((node) => node?.version), names };
}

const announced = (count: number) =>
  until(async () => {
    if (!(await session.exists(path))) return count === 0;
    return (await session.list(path)).names.length === count;
  }, 30_000);

/** Does something while apps send requests; what a watcher and the apps noticed of it. */
async function noticed(act: () => Promise<void>): Promise<{ before: object; lost: number }> {
  const before = await seen();
  const ended = new AbortController();
  const traffic = startTraffic(port, 200, ended.signal);
  try {
    await act();
    await until(() => traffic.sent > 400);
  } finally {
    ended.abort();
    await traffic.done;
  }
  expect([...traffic.reasons]).toEqual([]);
  return { before, lost: traffic.lost };
}

/** A session that nobody took over would end by then. */
const sessionEnd = () =>
  new Promise((resolve) => setTimeout(resolve, (sessionTimeout + 1) * 1_000));

test('installs with dpkg alone, and starts what does nothing yet', async () => {
  await machine.sh('dpkg -i /tmp/nerve.deb /tmp/synapse.deb');
  for (const unit of units) {
    expect(await isActive(unit), `${unit}\n${await journal()}`).toBe(true);
    expect(await machine.run('systemctl', 'is-enabled', unit)).toBe('enabled');
    expect(await machine.show(unit, 'NRestarts')).toBe('0');
  }
  expect(await machine.sh('stat -c "%U:%G %a" /etc/nerve/nerve.yaml /var/lib/synapse')).toBe(
    'root:smartstack-nerve 640\nsmartstack-synapse:smartstack-synapse 700',
  );
  for (const unit of units) expect(await userOf(unit)).toMatch(/^smartstack-/);
});

const userOf = async (unit: string) =>
  machine.run('stat', '-c', '%U', `/proc/${await pidOf(unit)}`);

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
  beforeAll(async () => {
    const registry = { zookeeper: { hosts: [zookeeper.hosts], session_timeout: sessionTimeout } };
    const top = { ...registry, service_conf_dir: 'conf.d', services: {} };
    await machine.write('/etc/nerve/nerve.yaml', stringify({ instance_id: 'vm-1', ...top }));
    await machine.write('/etc/synapse/synapse.yaml', stringify(top));
    for (const copy of copies)
      await machine.write(
        `/etc/nerve/conf.d/web-${copy.name}.yaml`,
        stringify({
          host: '127.0.0.1',
          port: copy.port,
          zk_path: path,
          check_interval: 0.2,
          checks: [{ type: 'http', uri: '/health', timeout: 5 }],
        }),
      );
    await machine.write(
      '/etc/synapse/conf.d/web.yaml',
      stringify({
        discovery: { method: 'zookeeper', path },
        haproxy: { port, listen: ['mode http'] },
      }),
    );
    await machine.run('systemctl', 'restart', 'nerve', 'synapse');
    await announced(3);
    await until(async () => (await machine.run('synapse', 'wait', 'web', '-m', '3')).length > 0);
  });

  test('requests to the local port reach every copy', async () => {
    expect(await noticed(async () => {})).toMatchObject({ lost: 0 });
  });

  test('an upgrade changes nothing for watchers, and loses no request', async () => {
    const pids = await Promise.all(units.map(pidOf));
    for (const name of daemons)
      await machine.bring(
        await repack(await packageOf(name), '99.0.0', scratch),
        `/tmp/${name}-next.deb`,
      );
    const { before, lost } = await noticed(async () => {
      await machine.sh('dpkg -i /tmp/nerve-next.deb /tmp/synapse-next.deb');
      for (const name of daemons) expect(await machine.run(name, '--version')).toBe('99.0.0');
      await sessionEnd();
    });
    expect(await seen()).toEqual(before);
    expect(lost).toBe(0);
    const [nerve, synapse, haproxy] = await Promise.all(units.map(pidOf));
    expect(nerve).not.toBe(pids[0]);
    expect(synapse).not.toBe(pids[1]);
    expect(haproxy).toBe(pids[2]);
    for (const unit of units) expect(await isActive(unit)).toBe(true);
  });

  test('so does a restart of everything but HAProxy', async () => {
    const haproxy = await pidOf('synapse-haproxy.service');
    const { before } = await noticed(async () => {
      await machine.run('systemctl', 'restart', 'nerve', 'synapse');
      await sessionEnd();
    });
    expect(await seen()).toEqual(before);
    expect(await pidOf('synapse-haproxy.service')).toBe(haproxy);
  });

  test('an upgrade on a configuration that the new version refuses leaves the old one running', async () => {
    const [before, pid] = [await seen(), await pidOf('nerve.service')];
    await machine.sh(
      'cp -p /etc/nerve/nerve.yaml /tmp/good && echo "nonsense: 1" >>/etc/nerve/nerve.yaml',
    );
    expect(await machine.sh('dpkg -i --force-downgrade /tmp/nerve.deb')).toContain(
      'nerve was not restarted: mend /etc/nerve/nerve.yaml, then: systemctl restart nerve',
    );
    expect(await pidOf('nerve.service')).toBe(pid);
    expect(await seen()).toEqual(before);
    await machine.sh('cp -p /tmp/good /etc/nerve/nerve.yaml');
  });

  test('a stopped nerve has withdrawn everything, and is back when it is started', async () => {
    await machine.run('systemctl', 'stop', 'nerve');
    expect((await session.list(path)).names).toEqual([]);
    await machine.run('systemctl', 'start', 'nerve');
    expect((await session.list(path)).names, 'once systemctl says that it is started').toHaveLength(
      3,
    );
    await machine.run('synapse', 'wait', 'web', '-m', '3');
  });

  test('a killed synapse is started again, and its HAProxy never noticed', async () => {
    const haproxy = await pidOf('synapse-haproxy.service');
    const old = await pidOf('synapse.service');
    await noticed(async () => {
      await machine.run('systemctl', 'kill', '-s', 'KILL', 'synapse');
      await until(
        async () => (await isActive('synapse.service')) && (await pidOf('synapse.service')) !== old,
      );
    });
    expect(await pidOf('synapse-haproxy.service')).toBe(haproxy);
  });

  test('a killed HAProxy serves again by itself, the same members', async () => {
    const old = await pidOf('synapse-haproxy.service');
    await machine.run('systemctl', 'kill', '-s', 'KILL', 'synapse-haproxy');
    await until(
      async () =>
        (await isActive('synapse-haproxy.service')) &&
        (await pidOf('synapse-haproxy.service')) !== old,
    );
    await noticed(async () => {});
    expect(await machine.run('synapse', 'status')).toMatch(/web.*3/);
  });

  test('after a boot HAProxy serves what it served before, without synapse', async () => {
    await machine.sh('systemctl stop synapse synapse-haproxy && rm -r /run/synapse');
    await machine.run('systemctl', 'start', 'synapse-haproxy');
    await noticed(async () => {});
    const worker = () =>
      machine.sh('cat /proc/$(systemctl show -P MainPID synapse-haproxy)/task/*/children');
    const before = await worker();
    await machine.run('systemctl', 'start', 'synapse');
    expect(await worker(), 'it was taken over without a reload').toBe(before);
  });

  test('an app’s port below 1024 needs no root', async () => {
    const service = {
      discovery: { method: 'zookeeper', path },
      haproxy: { port: 80, listen: ['mode http'] },
    };
    await machine.write('/etc/synapse/conf.d/web-80.yaml', stringify(service));
    const ask = () => fetch('http://127.0.0.1/');
    await until(async () => (await ask()).status === 200);
    await machine.sh('rm /etc/synapse/conf.d/web-80.yaml');
    await until(() =>
      ask().then(
        () => false,
        () => true,
      ),
    );
  });

  test('a new HAProxy program takes over on systemctl reload, without a lost request', async () => {
    await noticed(() => machine.run('systemctl', 'reload', 'synapse-haproxy').then(() => {}));
  });

  test('a nerve that hangs is ended by the watchdog, and the next one takes over', async () => {
    const limits = '[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n';
    await machine.write('/etc/systemd/system/nerve.service.d/watchdog.conf', limits);
    await machine.sh('systemctl daemon-reload && systemctl restart nerve');
    await until(() => machine.sh('grep -q vm-1_ /var/lib/nerve/sessions.json'));
    const [before, old] = [await seen(), await pidOf('nerve.service')];
    await machine.sh(`kill -STOP ${old}`);
    await until(
      async () => (await isActive('nerve.service')) && (await pidOf('nerve.service')) !== old,
    );
    await sessionEnd();
    expect(await seen()).toEqual(before);
    expect(await machine.show('nerve.service', 'NRestarts')).toBe('1');
  });
});

describe('for people', () => {
  test('nerve and synapse find this machine’s configuration by themselves', async () => {
    expect(await machine.run('nerve', 'status')).toMatch(/web-a .* up/);
    expect(await machine.run('synapse', 'status')).toMatch(/web/);
  });

  test.for(daemons)('%s has a man page', async (name) => {
    const page = await machine.sh(`man --warnings -P cat ${name}`);
    expect(page).toContain(`${name} - `);
    expect(page).toContain('--check-config');
    expect(page).not.toContain('warning:');
  });

  test.for([
    ['nerve', '', 'status'],
    ['nerve', '--lo', '--log-level'],
    ['nerve --log-level', 'tr', 'trace'],
    ['nerve down', '--re', '--reason'],
    ['nerve down', 'web-', 'web-a'],
    ['synapse', 'exp', 'explain'],
    ['synapse explain', 'w', 'web'],
  ] as const)('bash completes %s %s', async ([before, word, completed]) => {
    const [daemon] = before.split(' ');
    const words = [...before.split(' '), `"${word}"`];
    const offered = await machine.sh(
      `. /usr/share/bash-completion/completions/${daemon}
      COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _${daemon} ${daemon} "${word}"
      printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
    expect(offered.split('\n')).toContain(completed);
  });

  test.for([
    ['nerve dra', 'nerve drain '],
    ['nerve --log-level tr', 'nerve --log-level trace '],
    ['nerve down web-a', 'nerve down web-a '],
    ['synapse explain w', 'synapse explain web '],
  ] as const)('zsh completes %s', async ([typed, completed]) => {
    await machine.write(
      '/tmp/complete.zsh',
      `zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell 'PS1=; autoload -Uz compinit && compinit -u; show() print -r -- "<$BUFFER>"; zle -N show; bindkey "^X" show; print R$((1+1))'
      zpty -r shell line '*R2*'
      zpty -w -n shell "$1"$'\\t\\x18'
      zpty -r shell line '*<*>*'
      print -r -- "<\${\${line##*<}%%>*}>"`,
    );
    const shown = await machine.run('timeout', '20', 'zsh', '-f', '/tmp/complete.zsh', typed);
    expect(shown).toBe(`<${completed}>`);
  });

  test('logrotate moves HAProxy’s log, and HAProxy goes on writing to it', async () => {
    const log = '/var/log/synapse/haproxy.log';
    await machine.sh(
      `logrotate --force /etc/logrotate.d/smartstack-synapse && test -s ${log}.1 && ! test -s ${log}`,
    );
    await machine.run('systemctl', 'reload', 'synapse-haproxy');
    await until(async () => (await machine.sh(`stat -c %s ${log}`)) !== '0');
  });
});

test('removed, it leaves the registry and stops, and its configuration stays', async () => {
  await machine.sh('dpkg --remove smartstack-nerve smartstack-synapse');
  expect((await session.list(path)).names).toEqual([]);
  for (const unit of units) expect(await machine.show(unit, 'LoadState')).toBe('not-found');
  expect(await machine.sh('ls /etc/nerve/nerve.yaml /etc/synapse/synapse.yaml')).not.toBe('');
  expect(await machine.sh('ls /usr/lib | grep smartstack || true')).toBe('');
});

test('purged, it leaves nothing but what people put there', async () => {
  await machine.sh('dpkg --purge smartstack-nerve smartstack-synapse');
  const left = await machine.sh(
    'find / -xdev \\( -path /proc -o -path /tmp -o -path /var/cache/man -o -path /var/log/journal \\) -prune -o \\( -path "*nerve*" -o -path "*synapse*" -o -path "*smartstack*" \\) -print',
  );
  expect(left.split('\n').sort()).toEqual(
    [
      '/etc/nerve',
      '/etc/nerve/conf.d',
      ...copies.map(({ name }) => `/etc/nerve/conf.d/web-${name}.yaml`),
      '/etc/synapse',
      '/etc/synapse/conf.d',
      '/etc/synapse/conf.d/web.yaml',
      '/etc/systemd/system/nerve.service.d',
      '/etc/systemd/system/nerve.service.d/watchdog.conf',
    ].sort(),
  );
  expect(await machine.run('getent', 'passwd', 'smartstack-nerve')).toContain('nologin');
});

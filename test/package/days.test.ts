import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';

import { envoyBinary } from '../support/envoy.ts';
import { until } from '../support/until.ts';
import { daemons } from './packages.ts';
import { envoy, haproxy, nerve, openSite, port, type Site, servedAt, synapse } from './site.ts';

/** A machine's bad days and its people, on what the packages brought. */

let site: Site;
let machine: Site['machine'];
beforeAll(async () => {
  site = await openSite();
  ({ machine } = site);
  // Where HAProxy is, dpkg alone does it.
  await machine.sh(
    'apt-get install -y --no-install-recommends haproxy && dpkg -i /tmp/smartstack-*.deb',
  );
  await site.configure();
});
afterAll(() => site?.[Symbol.asyncDispose]());

test('a killed synapse is started again, and its HAProxy never noticed', async () => {
  const [proxy, old] = [await site.pidOf(haproxy), await site.pidOf(synapse)];
  const lost = await site.lostDuring(async () => {
    await machine.run('systemctl', 'kill', '-s', 'KILL', synapse);
    await site.renewed(synapse, old);
  });
  expect(lost).toEqual([]);
  expect(await site.pidOf(haproxy)).toBe(proxy);
});

test('a killed HAProxy serves the same members again by itself', async () => {
  const old = await site.pidOf(haproxy);
  await machine.run('systemctl', 'kill', '-s', 'KILL', haproxy);
  await site.renewed(haproxy, old);
  expect(await site.lostDuring(async () => {})).toEqual([]);
  expect(await machine.run('synapse', 'status')).toMatch(/web.*3/);
});

test('after a boot HAProxy serves what it served before, without synapse', async () => {
  await machine.sh(`systemctl stop ${synapse} ${haproxy} && rm -r /run/synapse`);
  await machine.run('systemctl', 'start', haproxy);
  expect(await site.lostDuring(async () => {})).toEqual([]);
  const worker = () =>
    machine.sh(`cat /proc/$(systemctl show -P MainPID ${haproxy})/task/*/children`);
  const before = await worker();
  await machine.run('systemctl', 'start', synapse);
  expect(await worker(), 'it was taken over without a reload').toBe(before);
});

test('a new HAProxy program takes over on systemctl reload, without a lost request', async () => {
  expect(await site.lostDuring(() => machine.run('systemctl', 'reload', haproxy))).toEqual([]);
});

test('an app’s port below 1024 needs no root', async () => {
  await machine.write('/etc/synapse/conf.d/web-80.yaml', stringify(servedAt(80)));
  const ask = () => fetch('http://127.0.0.1/');
  await until(async () => (await ask()).status === 200);
  await machine.sh('rm /etc/synapse/conf.d/web-80.yaml');
  const refused = () => true;
  await until(() => ask().then(() => false, refused));
});

test('a nerve that hangs is ended by the watchdog, and the next one takes over', async () => {
  const limits = '[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n';
  await machine.write('/etc/systemd/system/nerve.service.d/watchdog.conf', limits);
  await machine.sh('systemctl daemon-reload && systemctl restart nerve');
  await until(() => machine.sh('grep -q vm-1_ /var/lib/nerve/sessions.json'));
  const [before, old] = [await site.seen(), await site.pidOf(nerve)];
  await machine.sh(`kill -STOP ${old}`);
  await site.renewed(nerve, old);
  await site.sessionEnd();
  expect(await site.seen()).toEqual(before);
  expect(await machine.show(nerve, 'NRestarts')).toBe('1');
});

test('logrotate moves HAProxy’s log, and HAProxy goes on writing to it', async () => {
  const log = '/var/log/synapse/haproxy.log';
  await machine.sh('logrotate --force /etc/logrotate.d/smartstack-synapse');
  await machine.sh(`test -s ${log}.1 && ! test -s ${log}`);
  await machine.run('systemctl', 'reload', haproxy);
  await until(async () => (await machine.sh(`stat -c %s ${log}`)) !== '0');
});

test.runIf(hasEnvoy())('a service moves to an Envoy that is a unit of its own', async () => {
  await machine.bring(envoyBinary(), '/usr/bin/envoy');
  await machine.sh("sed -i '1i envoy: {supervised: true}' /etc/synapse/synapse.yaml");
  await machine.run('systemctl', 'enable', '--now', 'synapse-envoy.path');
  await machine.run('systemctl', 'restart', synapse);
  await machine.run('synapse', 'wait', 'web', '-m', '3');
  await until(() => site.isActive(envoy), 20_000);
  const moved = { ...servedAt(port), proxy: 'envoy', port, protocol: 'http', haproxy: undefined };
  const lost = await site.lostDuring(async () => {
    await machine.write('/etc/synapse/conf.d/web.yaml', stringify(moved));
    await until(
      () => machine.sh(`! grep :${port} /run/synapse/haproxy.cfg`).then(() => true),
      20_000,
    );
  });
  expect(lost).toEqual([]);
  expect(await machine.run('systemd-analyze', 'verify', envoy)).toBe('');
  await machine.run('systemd-analyze', 'security', '--no-pager', '--threshold=20', envoy);
  const old = await site.pidOf(envoy);
  await machine.run('systemctl', 'kill', '-s', 'KILL', envoy);
  await site.renewed(envoy, old);
  await until(async () => (await fetch(`http://127.0.0.1:${port}/`)).status === 200);
  expect(await site.lostDuring(async () => {})).toEqual([]);
});

describe('for people', () => {
  test('nerve and synapse find this machine’s configuration by themselves', async () => {
    expect(await machine.run('nerve', 'status')).toMatch(/web-a .* up/);
    expect(await machine.run('synapse', 'status')).toMatch(/web/);
  });

  test('what root asks is answered as the daemon would: its own files need no change', async () => {
    expect(await machine.run('synapse', 'diff')).toBe('');
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
    ['synapse policy', 'sh', 'show'],
    ['synapse policy show', 'w', 'web'],
    ['synapse policy try', '--req', '--request'],
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
    ['synapse policy sh', 'synapse policy show '],
    ['synapse policy show w', 'synapse policy show web '],
  ] as const)('zsh completes %s', async ([typed, completed]) => {
    await machine.write('/tmp/complete.zsh', typing);
    const shown = await machine.run('timeout', '20', 'zsh', '-f', '/tmp/complete.zsh', typed);
    expect(shown).toBe(`<${completed}>`);
  });
});

/** Types its argument and a tab into a zsh of its own, and prints what stands there then. */
const typing = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; autoload -Uz compinit && compinit -u; show() print -r -- "<$BUFFER>"; zle -N show; bindkey "^X" show; print R$((1+1))'
zpty -r shell line '*R2*'
zpty -w -n shell "$1"$'\\t\\x18'
zpty -r shell line '*<*>*'
print -r -- "<\${\${line##*<}%%>*}>"
`;

/** Whether `scripts/envoy.sh` has fetched one: these tests fetch nothing. */
function hasEnvoy(): boolean {
  try {
    return envoyBinary() !== '';
  } catch {
    return false;
  }
}

import { silentLog } from '@smartstack/daemon';
import { expect, test } from 'vitest';

import { createExecCredentials } from './exec-plugin.ts';

const v1 = 'client.authentication.k8s.io/v1';
const signal = new AbortController().signal;

function run(script: string, { apiVersion = v1, command = 'sh', timeout = 5000 } = {}) {
  let time = 0;
  const credentials = createExecCredentials({
    plugin: {
      apiVersion,
      command,
      args: ['-c', script],
      env: {},
      installHint: 'install it\nfrom there',
      isToldCluster: false,
    },
    cluster: {},
    log: silentLog,
    timeout,
    now: () => time,
  });
  const at = (now: number) => {
    time = now;
  };
  return { ask: (own = signal) => credentials.current(own), at };
}

const says = (status: object, apiVersion = v1) =>
  `echo '${JSON.stringify({ kind: 'ExecCredential', apiVersion, status })}'`;
const at = (time: number) => new Date(time).toISOString();

test('a token, which is kept while it is good and asked for anew before it expires', async () => {
  const script = `n=$(date +%s%N); printf '{"kind":"ExecCredential","apiVersion":"${v1}","status":{"token":"t%s","expirationTimestamp":"${at(600_000)}"}}' $n`;
  const { ask, at: setTime } = run(script);
  const [first, same] = await Promise.all([ask(), ask()]);
  expect(same).toBe(first);
  setTime(539_000);
  expect(await ask()).toBe(first);
  setTime(541_000);
  expect((await ask()).token).not.toBe(first.token);
});

test('a plugin that fails while its last token is good is no failure', async () => {
  const flag = `/tmp/exec-plugin-${process.pid}-${Date.now()}`;
  const good = says({ token: 'a', expirationTimestamp: at(600_000) });
  const { ask, at: setTime } = run(
    `if mkdir ${flag} 2>/dev/null; then ${good}; else rmdir ${flag}; exit 3; fi`,
  );
  const first = await ask();
  setTime(550_000);
  expect(await ask()).toBe(first);
});

test('one who waits no longer ends the plugin for nobody else', async () => {
  const { ask } = run(`sleep 0.3; ${says({ token: 'a' })}`);
  const leaving = new AbortController();
  const [left, stays] = [ask(leaving.signal), ask()];
  leaving.abort();
  await expect(left).rejects.toThrow();
  expect((await stays).token).toBe('a');
});

test('v1beta1, with a certificate', async () => {
  const version = 'client.authentication.k8s.io/v1beta1';
  const script = says({ clientCertificateData: 'cert', clientKeyData: 'key' }, version);
  expect(await run(script, { apiVersion: version }).ask()).toEqual({
    token: undefined,
    cert: Buffer.from('cert'),
    key: Buffer.from('key'),
  });
});

test.each([
  ['echo oops >&2; exit 7', /^cannot get credentials from sh: it ended with 7: oops$/],
  ['echo nonsense', /it wrote no ExecCredential with a status$/],
  [says({}), /neither a token nor a certificate$/],
  [says({ token: '' }), /no ExecCredential/],
  [says({ clientCertificateData: 'c' }), /a certificate without its key/],
  [
    says({ token: 'a' }, 'client.authentication.k8s.io/v1beta1'),
    /it wrote client.*v1beta1, but client.*v1 is configured$/,
  ],
  ['head -c 3000000 /dev/zero', /it wrote more than 1048576 bytes$/],
])('%s is refused', async (script, message) => {
  await expect(run(script).ask()).rejects.toThrow(message);
});

test('a plugin that does not end is killed', async () => {
  await expect(run('exec sleep 60', { timeout: 100 }).ask()).rejects.toThrow(
    'cannot get credentials from sh: it did not end in 100 ms',
  );
});

test('a plugin that is not there is said with its hint', async () => {
  await expect(run('', { command: 'no-such-plugin' }).ask()).rejects.toThrow(
    'cannot get credentials from no-such-plugin: it is not installed: install it from there',
  );
});

test('another version is refused at once', () => {
  const apiVersion = 'client.authentication.k8s.io/v1alpha1';
  expect(() => run('', { apiVersion })).toThrow(
    /v1alpha1 is not supported, but .*v1 and .*v1beta1 are/,
  );
});

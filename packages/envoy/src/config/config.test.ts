import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { envoySchema, isManaged, isSupervised } from './config.ts';
import { keys } from './keys.ts';
import { problems } from './problems.ts';
import { reconfigured } from './reconfigured.ts';
import { isAsked, isOff, listensAt } from './section.ts';
import { config as sections } from './sections.ts';
import { programVersion } from './version.ts';

const read = (written: unknown) => keys.read.parse(written);
const service = (written: unknown = {}) => keys.service.parse(written) ?? { disabled: false };

function reasons(written: unknown): readonly string[] {
  const { error } = keys.read.safeParse(written);
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

describe('the top-level envoy section', () => {
  test('may be empty: a managed Envoy with the defaults', () => {
    const config = envoySchema.parse({});
    expect(isManaged(config)).toBe(true);
    expect(isSupervised(config)).toBe(false);
    expect(config).toMatchObject({
      binary: 'envoy',
      on_exit: 'keep',
      bind_address: '127.0.0.1',
      drain_timeout: 10_000,
      xds: { mode: 0o600 },
    });
  });

  test.each([
    ['0660', 0o660],
    ['660', 0o660],
    [600, 0o600],
  ])('reads the mode %j as octal digits', (mode, read) => {
    expect(envoySchema.parse({ xds: { mode } }).xds.mode).toBe(read);
  });

  test.each([
    [{ bin: 'envoy' }, ': Unrecognized key: "bin"'],
    [{ xds: { mode: '0888' } }, 'xds.mode: expected a mode such as "0600"'],
    [{ xds: { address: '18000' } }, 'xds.address: expected host:port'],
    [
      { xds: { address: '0.0.0.0:18000' } },
      'xds.address: expected a loopback address, such as 127.0.0.1: whoever reaches it can do with it what they like',
    ],
    [{ admin: 'admin.sock' }, 'admin: expected the path of a socket, or host:port'],
    [
      { managed: false, binary: '/usr/bin/envoy' },
      'binary: is for an Envoy that synapse runs, and managed is false; remove it, or managed: false',
    ],
  ])('refuses %j', (written, reason) => {
    expect(reasons(written)).toEqual([reason]);
  });

  test('false is no Envoy at all', () => {
    expect(isOff(read(false))).toBe(true);
    expect(isOff(read({ managed: false }))).toBe(false);
    expect(isOff(read({ managed: false, xds: { socket: false }, files: '/run/e' }))).toBe(false);
    expect(isOff(undefined)).toBe(false);
  });

  test.each([{}, { managed: false, admin: '127.0.0.1:9901' }])(
    'that is read again and did not change is the same: %j',
    (written) => {
      const one = () => envoySchema.parse(written);
      expect(reconfigured(one(), one())).toStrictEqual({ merged: one(), kept: [] });
    },
  );

  test('keeps what says which Envoy it is until a restart', () => {
    const [before, after] = [
      envoySchema.parse({ log_level: 'info' }),
      envoySchema.parse({ log_level: 'debug', drain_timeout: 5 }),
    ];
    const { merged, kept } = reconfigured(before, after);
    expect(kept).toEqual(['log_level']);
    expect(merged).toMatchObject({ log_level: 'info', drain_timeout: 5000 });
  });
});

describe('problems', () => {
  const of = (written: unknown, own = service()) =>
    problems(read(written), new Map([['web', { own, protocol: 'http' as const, copies: [] }]])).map(
      ([path, message]) => `${path.join('.')}: ${message}`,
    );

  test.each([
    ['nothing', {}, []],
    ['an address of its own', { admin: '127.0.0.1:9901', bind_address: '::' }, []],
    ['somebody else’s', { managed: false, admin: '10.0.0.1:9901' }, []],
    ['nothing where it is off', false, []],
    [
      'a name',
      { bind_address: 'web.local' },
      [
        'envoy.bind_address: is web.local, and Envoy listens at IP addresses only; give it one, such as 127.0.0.1 or 0.0.0.0',
      ],
    ],
    [
      'no socket for its own',
      { xds: { socket: false } },
      ['envoy.xds.socket: is false, and an Envoy that synapse runs is served there'],
    ],
    [
      'an administration interface for all',
      { admin: '0.0.0.0:9901' },
      [
        'envoy.admin: is no loopback address: whoever reaches it can end Envoy; use a UNIX socket, or 127.0.0.1',
      ],
    ],
  ])('%s', (_, written, expected) => {
    expect(of(written)).toEqual(expected);
  });

  test('of services: a name that resources of another one have', () => {
    const named = (...names: readonly string[]) =>
      problems(
        read({}),
        new Map(names.map((name) => [name, { own: service(), protocol: 'grpc', copies: [] }])),
      ).map(([path, message]) => `${path.join(' ')}: ${message}`);
    expect(named('web', 'listener/web')).toEqual([
      'services listener/web: is what Envoy is to call a part of the service web; give it another name',
    ]);
    expect(named('web', 'grpc/web')).toHaveLength(1);
    expect(named('api', 'listener/web', 'grpc/x', 'listener')).toEqual([]);
  });

  test('of a service: a name as its address, and the port of xds.address', () => {
    expect(of({}, sections.withAddress(service(), { port: 80, bind_address: 'web' }))).toEqual([
      'services.web.bind_address: is web, and Envoy listens at IP addresses only; give it one, such as 127.0.0.1 or 0.0.0.0',
    ]);
    const own = sections.withAddress(service(), { port: 18000 });
    expect(of({ xds: { address: '127.0.0.1:18000' } }, own)).toEqual([
      'services.web.port: 18000 is that of envoy.xds.address',
    ]);
  });
});

describe("a service's section", () => {
  test('has its address from the keys that all proxies share', () => {
    const own = sections.withAddress(undefined, { port: 3213 });
    expect(listensAt(own, undefined)).toEqual({ address: '127.0.0.1', port: 3213 });
    expect(listensAt(own, read({ bind_address: '0.0.0.0' }))?.address).toBe('0.0.0.0');
    expect(listensAt({ ...own, bind_address: 'localhost' }, undefined)?.address).toBe('127.0.0.1');
    expect(listensAt(sections.withoutAddress(own), undefined)).toBeUndefined();
    expect(listensAt({ ...own, disabled: true }, undefined)).toBeUndefined();
    expect(isAsked([undefined, { ...own, disabled: true }])).toBe(false);
    expect(isAsked([own])).toBe(true);
  });

  test('takes from a registry only what is harmless', () => {
    const { parse } = sections.registry;
    expect(parse('drain_timeout', '5s', false)).toEqual({ value: 5000 });
    expect(parse('disabled', true, true)).toEqual({ reason: 'not from the registry' });
    expect(parse('port', 1, true)).toEqual({ reason: 'unknown key' });
    expect(parse('drain_timeout', {}, false)).toEqual({ reason: expect.any(String) });
  });
});

describe('the version', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'envoy-version-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test('is what the program says, asked once', async () => {
    const binary = join(directory, 'envoy');
    const script = `#!/bin/sh\necho "$1" >> ${directory}/asked\necho 'envoy  version: 6a8f/1.40.0/Clean/RELEASE/BoringSSL'\n`;
    await writeFile(binary, script, { mode: 0o755 });
    expect(await programVersion({ binary })).toBe('1.40.0');
    expect(await programVersion({ binary })).toBe('1.40.0');
    const asked = (await readFile(`${directory}/asked`, 'utf8')).trim().split('\n').sort();
    expect(asked).toEqual(['--hot-restart-version', '--version']);
  });

  test('is not known where there is none, or where it is somebody else’s', async () => {
    expect(await programVersion({ binary: join(directory, 'none') })).toBeUndefined();
    expect(await programVersion({ managed: false })).toBeUndefined();
    expect(await programVersion(false)).toBeUndefined();
  });
});

describe('in words', () => {
  const own = sections.withAddress(undefined, { port: 3213 });

  test.each([
    [undefined, [], 'No Envoy is run: there is no envoy section, and no service is served by it.'],
    [false, [own], 'No Envoy is run or told of services: envoy is false.'],
    [
      undefined,
      [own],
      'synapse runs an Envoy of its own, which outlives it, and tells it of services at xds.sock in its run directory.',
    ],
    [
      { on_exit: 'stop', xds: { socket: '/s', address: '127.0.0.1:18000' } },
      [],
      'synapse runs an Envoy of its own, which ends with it, and tells it of services at /s. gRPC applications ask at 127.0.0.1:18000.',
    ],
    [
      { managed: false, files: '/f' },
      [],
      'Envoy is run by somebody else, and is told of services at xds.sock in its run directory, and reads files in /f.',
    ],
    [
      { managed: false, xds: { socket: false, address: '[::1]:1' } },
      [],
      'gRPC applications ask at [::1]:1.',
    ],
  ])('%j with %j', (written, services, text) => {
    expect(sections.explain(read(written), services)).toBe(text);
  });

  test('how apps reach a service', () => {
    const text = (one: typeof own | undefined, written?: unknown) =>
      sections.explainService(one, read(written));
    expect(text(own)).toBe(
      'is reached by apps at 127.0.0.1:3213 through Envoy; a member that leaves has 10 s to finish',
    );
    expect(text({ ...own, bind_address: '::1', drain_timeout: 5000 })).toContain(
      'at [::1]:3213 through Envoy; a member that leaves has 5 s',
    );
    expect(text(service())).toBe('is a cluster of Envoy without a listener of its own');
    expect(text({ ...own, disabled: true })).toBe('is left out of Envoy (disabled)');
    expect(text(own, false)).toBe('is not proxied: apps ask for its members at /v1');
  });
});

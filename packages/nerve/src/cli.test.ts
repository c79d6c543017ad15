import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMetrics, silentLog } from '@smartstack/daemon';
import { createFileRegistry } from '@smartstack/registry';
import { execa } from 'execa';
import { describe, expect, test, vi } from 'vitest';
import { bundled } from '../../daemon/src/run/bundled.fixture.ts';
import { tcpServer } from './checks/server.fixture.ts';
import { createProgram } from './program.ts';

vi.setConfig({ testTimeout: 30_000 });
for (const name of ['NERVE_CONFIG', 'NERVE_INSTANCE_ID', 'NERVE_CHECK_CONFIG'])
  vi.stubEnv(name, undefined);

/** The command from its sources. */
const cli = await bundled(new URL('cli.ts', import.meta.url));
const nerve = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  execa(process.execPath, [cli, ...args], {
    env,
    reject: false,
    timeout: 20_000,
  });

/** A folder for one test, with a configuration in it. */
async function scratch(text?: string) {
  const directory = await mkdtemp(join(tmpdir(), 'nerve-'));
  const file = join(directory, 'nerve.yaml');
  if (text !== undefined) await writeFile(file, text);
  return { directory, file, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

const good =
  'instance_id: a\nzookeeper: {hosts: [z:1]}\nservices: {web: {host: h, port: 1, zk_path: /w}}';

/** What the command line says, without a process of its own: it must not come to running anything. */
async function say(...args: string[]) {
  const said = { out: '', err: '' };
  const program = createProgram()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        said.out += text;
      },
      writeErr: (text) => {
        said.err += text;
      },
    });
  await expect(program.parseAsync(args, { from: 'user' })).rejects.toThrow();
  return said;
}

describe('--help of every command', () => {
  const program = createProgram();
  test.each([program, ...program.commands].map((command) => [command.name(), command] as const))(
    '%s fits a screen and says its exit codes',
    (_, command) => {
      let out = '';
      const writeOut = (text: string) => {
        out += text;
      };
      command.configureOutput({ writeOut, getOutHelpWidth: () => 80 }).outputHelp();
      const lines = out.trimEnd().split('\n');
      expect(lines.length).toBeLessThanOrEqual(24);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(out).toMatch(/^Exits with 0/m);
    },
  );
});

test('--version says the version', async () => {
  expect((await say('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  ['an unknown option', ['--frobnicate'], /^error: unknown option '--frobnicate'/],
  [
    'a bad log level',
    ['--log-level', 'loud'],
    /^error: option '--log-level <level>' argument 'loud' is invalid/,
  ],
  [
    'no configuration at all',
    [],
    /^error: no configuration is given: name one with -c FILE, or write one with nerve init/,
  ],
])('%s is refused', async (_, args, message) => {
  expect((await say(...args)).err).toMatch(message);
});

describe.concurrent('--check-config', () => {
  test('says that a good configuration is', async () => {
    await using folder = await scratch(good);
    const { file } = folder;
    const { exitCode, stdout } = await nerve(['-c', file, '-k']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${file}: ok, 1 service` });
  });

  test('takes everything from the environment', async () => {
    await using folder = await scratch(good.replace('instance_id: a\n', ''));
    const { file } = folder;
    const env = { NERVE_CONFIG: file, NERVE_INSTANCE_ID: 'b', NERVE_CHECK_CONFIG: 'true' };
    expect((await nerve([], env)).stdout).toBe(`${file}: ok, 1 service`);
  });

  test('names every problem of a bad one and exits with 1', async () => {
    await using folder = await scratch(
      'instance_id: a\nservices:\n  web: {prot: 80, host: h, zk_path: /w, zk_hosts: [z:1]}',
    );
    const { file } = folder;
    const { exitCode, stderr } = await nerve(['-c', file, '-k']);
    expect(exitCode).toBe(1);
    expect(stderr.split('\n')).toEqual([
      `${file}:3:3: services.web.port: missing; expected a number`,
      `${file}:3:9: services.web.prot: unknown key; did you mean port?`,
      'fix these 2 problems, then run check-config again',
    ]);
  });
});

test('a file that is not there is refused with exit code 1', async () => {
  await using folder = await scratch();
  const { exitCode, stderr } = await nerve(['-c', folder.file]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^\S+nerve\.yaml: cannot read: ENOENT/);
});

test('it announces a service in the file registry, and withdraws it on SIGTERM before it exits with 0', async () => {
  await using server = await tcpServer(() => {});
  await using folder = await scratch();
  const directory = join(folder.directory, 'registry');
  await writeFile(
    folder.file,
    JSON.stringify({
      instance_id: 'a',
      registry: { type: 'file', directory },
      services: {
        web: {
          host: server.host,
          port: server.port,
          check_interval: 0.05,
          checks: [{ type: 'tcp' }],
        },
      },
    }),
  );
  const deps = { log: silentLog, metrics: createMetrics() };
  await using registry = createFileRegistry({
    directory,
    rescanInterval: 50,
    ...deps,
  });
  const child = nerve(['-c', folder.file]);
  const seen = registry.watch('web', AbortSignal.timeout(10_000));
  for await (const instances of seen) {
    if (instances.length === 0) continue;
    expect(instances).toMatchObject([{ host: server.host, port: server.port, name: 'a' }]);
    break;
  }
  child.kill('SIGTERM');
  expect((await child).exitCode).toBe(0);
  for await (const instances of registry.watch('web', AbortSignal.timeout(10_000))) {
    expect(instances).toEqual([]);
    break;
  }
});

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';

import { duration, parseDuration } from './duration.ts';
import { editDistance, nearest } from './nearest.ts';
import { readSourceWithServices } from './service-files.ts';
import { ConfigError, parseSource, readSource } from './source.ts';
import { validate } from './validate.ts';

const schema = z.strictObject({
  instance_id: z.string().min(1),
  service_conf_dir: z.string().optional(),
  services: z.record(
    z.string(),
    z.strictObject({
      port: z.int().min(1).max(65_535),
      host: z.union([z.string(), z.null()]).optional(),
      checks: z
        .array(
          z.discriminatedUnion('type', [
            z.strictObject({ type: z.literal('tcp'), timeout: duration.optional() }),
            z.strictObject({ type: z.literal('http'), uri: z.string() }),
          ]),
        )
        .optional(),
    }),
  ),
});

const problemsOf = (yaml: string): readonly string[] => {
  try {
    validate(schema, parseSource('c.yaml', yaml), { strict: true });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

describe('a bad configuration is refused with place, key and fix', () => {
  const service = (lines: string) => `instance_id: a\nservices:\n  web:\n${lines}`;
  test.each([
    [
      'a wrong duration',
      service('    port: 80\n    checks:\n    - type: tcp\n      timeout: fast'),
      ['c.yaml:7:7: services.web.checks[0].timeout: expected a number of seconds, got "fast"'],
    ],
    [
      'an unknown key near a known one',
      service('    prot: 80'),
      [
        'c.yaml:3:3: services.web.port: missing; expected a number',
        'c.yaml:4:5: services.web.prot: unknown key; did you mean port?',
      ],
    ],
    [
      'an unknown key near none',
      service('    port: 80\n    frobnicate: 1'),
      ['c.yaml:5:5: services.web.frobnicate: unknown key; known here: checks, host, port'],
    ],
    [
      'a port out of range',
      service('    port: 70000'),
      ['c.yaml:4:5: services.web.port: expected a number of at most 65535, got 70000'],
    ],
    [
      'a port that is text',
      service('    port: "80; rm"'),
      ['c.yaml:4:5: services.web.port: expected a number, got "80; rm"'],
    ],
    [
      'a fraction of a port',
      service('    port: 80.5'),
      ['c.yaml:4:5: services.web.port: expected a whole number, got 80.5'],
    ],
    [
      'a check of an unknown type',
      service('    port: 80\n    checks:\n    - type: htp'),
      [
        'c.yaml:6:7: services.web.checks[0].type: expected one of tcp, http, got "htp"; did you mean http?',
      ],
    ],
    [
      'a check without a type',
      service('    port: 80\n    checks: [{}]'),
      ['c.yaml:5:14: services.web.checks[0].type: missing; expected one of tcp, http'],
    ],
    [
      'a union that nothing fits',
      service('    port: 80\n    host: 5'),
      ['c.yaml:5:5: services.web.host: expected text or null, got 5'],
    ],
    ['an empty file', '', ['c.yaml:1:1: expected a mapping, got null']],
    [
      'everything at once',
      'instance_id: []\nservices: []',
      [
        'c.yaml:1:1: instance_id: expected text, got []',
        'c.yaml:1:1: instance_id: expected at least 1 items, got []',
        'c.yaml:2:1: services: expected a mapping, got []',
      ],
    ],
    [
      'an empty text',
      'instance_id: ""\nservices: {}',
      ['c.yaml:1:1: instance_id: expected at least 1 characters, got ""'],
    ],
  ])('%s', (_, yaml, problems) => {
    expect(problemsOf(yaml)).toEqual(problems);
  });

  test('broken YAML names line and column', () => {
    expect(problemsOf('services: {\n  web: [')[0]).toMatch(/^c\.yaml:2:\d+: /);
  });

  test('a key given twice is an error', () => {
    expect(problemsOf('instance_id: a\ninstance_id: b\nservices: {}')).toEqual([
      'c.yaml:2:1: Map keys must be unique',
    ]);
  });
});

test('JSON is accepted as YAML', () => {
  const source = parseSource('c.json', '{"instance_id": "a", "services": {"web": {"port": 80}}}');
  expect(validate(schema, source)).toEqual({ instance_id: 'a', services: { web: { port: 80 } } });
});

test('anchors and merge keys are resolved', () => {
  const source = parseSource(
    'c.yaml',
    'instance_id: a\nservices:\n  a: &a {port: 1}\n  b: {<<: *a}',
  );
  expect(validate(schema, source).services.b).toEqual({ port: 1 });
});

test('one anchor may serve hundreds of services', () => {
  const services = Array.from({ length: 500 }, (_, index) => `  s${index}: *a`);
  const text = `instance_id: a\nservices:\n  first: &a {port: 1}\n${services.join('\n')}`;
  expect(Object.keys(validate(schema, parseSource('c.yaml', text)).services)).toHaveLength(501);
});

/** A worker's own working directory cannot be changed: what is resolved by Node.js is told another. */
async function inFolder<T>(folder: string, run: () => Promise<T>): Promise<T> {
  const spy = vi.spyOn(process, 'cwd').mockReturnValue(folder);
  try {
    return await run();
  } finally {
    spy.mockRestore();
  }
}

describe('service_conf_dir', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'config-'));
    await mkdir(join(directory, 'conf.d'));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const put = (name: string, text: string) => writeFile(join(directory, name), text);
  const load = async () =>
    validate(schema, await readSourceWithServices(join(directory, 'main.yaml'), readSource));

  test('adds one service a file, named after it, relative to the main file', async () => {
    await put('main.yaml', 'instance_id: a\nservice_conf_dir: conf.d\nservices: {web: {port: 1}}');
    await put('conf.d/api.yaml', 'port: 2');
    await put('conf.d/db.json', '{"port": 3}');
    await put('conf.d/notes.txt', 'not a service');
    await put('conf.d/.hidden.yaml', 'not a service');
    expect((await load()).services).toEqual({
      web: { port: 1 },
      api: { port: 2 },
      db: { port: 3 },
    });
  });

  test('problems in its files name those files, and all are reported at once', async () => {
    await put('main.yaml', 'service_conf_dir: conf.d');
    await put('conf.d/api.yaml', 'host: a\nport: x');
    await expect(load()).rejects.toThrow(
      new ConfigError([
        `${directory}/main.yaml:1:1: instance_id: missing; expected text`,
        `${directory}/conf.d/api.yaml:2:1: services.api.port: expected a number, got "x"`,
      ]),
    );
  });

  test('a folder that is not there is an error', async () => {
    await put('main.yaml', 'instance_id: a\nservice_conf_dir: nowhere');
    await expect(load()).rejects.toThrow(
      /main.yaml:2:1: service_conf_dir: cannot read: there is no folder/,
    );
  });

  test('a relative folder is looked for in the working directory where there is none beside the file', async () => {
    await mkdir(join(directory, 'app'));
    await put('app/main.yaml', 'instance_id: a\nservice_conf_dir: conf.d');
    await put('conf.d/api.yaml', 'port: 2');
    const found = await inFolder(directory, () =>
      readSourceWithServices(join(directory, 'app/main.yaml'), readSource),
    );
    expect(found.value).toMatchObject({ services: { api: { port: 2 } } });
    expect(found.serviceDirectory).toBe(join(directory, 'conf.d'));
    expect(found.warnings).toEqual([
      `${directory}/app/main.yaml:2:1: service_conf_dir: read from the working directory, ${directory}/conf.d, as there is no ${directory}/app/conf.d; write the whole path`,
    ]);
  });

  test('where both are there the one beside the file is read, and the other one named', async () => {
    await mkdir(join(directory, 'app/conf.d'), { recursive: true });
    await put('app/main.yaml', 'instance_id: a\nservice_conf_dir: conf.d');
    await put('app/conf.d/api.yaml', 'port: 2');
    await put('conf.d/web.yaml', 'port: 1');
    const found = await inFolder(directory, () =>
      readSourceWithServices(join(directory, 'app/main.yaml'), readSource),
    );
    expect(found.value).toMatchObject({ services: { api: { port: 2 } } });
    expect(found.warnings).toEqual([
      `${directory}/app/main.yaml:2:1: service_conf_dir: ${directory}/app/conf.d is read, and not ${directory}/conf.d in the working directory, which is there too; write the whole path`,
    ]);
  });

  test('what is no regular file there is an error that names it, and nothing is waited for', async () => {
    await put('main.yaml', 'instance_id: a\nservice_conf_dir: conf.d');
    execFileSync('mkfifo', [join(directory, 'conf.d/pipe.yaml')]);
    await symlink('/dev/zero', join(directory, 'conf.d/zero.json'));
    await expect(load()).rejects.toThrow(
      new ConfigError([
        `${directory}/conf.d/pipe.yaml: cannot read: ${directory}/conf.d/pipe.yaml is a FIFO, not a regular file`,
        `${directory}/conf.d/zero.json: cannot read: ${directory}/conf.d/zero.json is a device, not a regular file`,
      ]),
    );
  });

  test('a file that would name a service __proto__ is an error', async () => {
    await put('main.yaml', 'instance_id: a\nservice_conf_dir: conf.d');
    await put('conf.d/__proto__.yaml', 'port: 1');
    await expect(load()).rejects.toThrow('__proto__ cannot be the name of a service');
  });

  test('every file that does not parse is named', async () => {
    await put('main.yaml', 'instance_id: a\nservice_conf_dir: conf.d');
    await put('conf.d/a.yaml', '[');
    await put('conf.d/b.yaml', '{');
    await expect(load()).rejects.toThrow(/a\.yaml:1:\d.*\n.*b\.yaml:1:\d/s);
  });

  test('a main file that is not there is an error', async () => {
    await expect(load()).rejects.toThrow(/main.yaml: cannot read: ENOENT/);
  });
});

test.each([
  [0.5, 500],
  ['500ms', 500],
  ['2s', 2000],
  ['1.5m', 90_000],
  ['3', 3000],
  ['1h', 3_600_000],
  [-1, undefined],
  ['fast', undefined],
  [Number.POSITIVE_INFINITY, undefined],
  [null, undefined],
])('the duration %j is %j milliseconds', (written, milliseconds) => {
  expect(parseDuration(written)).toBe(milliseconds);
});

test('the nearest word is the one that few edits reach', () => {
  expect(nearest('prot', ['port', 'host'])).toBe('port');
  expect(nearest('frobnicate', ['port', 'host'])).toBeUndefined();
  expect(editDistance('abc', '')).toBe(3);
});

test.each([
  ['9007199254740991', 9_007_199_254_740_991],
  ['187269134651324687126587123645871263458', '187269134651324687126587123645871263458'],
  ['-9007199254740993', '-9007199254740993'],
  ['1e40', 1e40],
  ['.5', 0.5],
])('a number loses no digit: %s', (text, value) => {
  expect(parseSource('c.yaml', `seed: ${text}\nother: &a [${text}]\nagain: *a`).value).toEqual({
    seed: value,
    other: [value],
    again: [value],
  });
});

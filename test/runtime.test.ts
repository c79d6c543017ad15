import { execa } from 'execa';
import { expect, test } from 'vitest';

import { commandOf } from './support/daemon.ts';

test('the tests and the daemons run on the Node.js that was asked for', async () => {
  const expected = process.env.EXPECTED_NODE ?? process.versions.node;
  expect(process.versions.node).toBe(expected);
  const { stdout } = await execa('node', ['--version']);
  expect(stdout).toBe(`v${expected}`);
  expect((await execa(process.execPath, [commandOf('nerve'), '--version'])).exitCode).toBe(0);
});

import { expect, test } from 'vitest';

import { gapsAt } from './version.ts';

const always = { word: 'hedge', why: 'one at a time' };
const older = { word: 'retries.on', value: 429, since: '3.0', why: 'only from version 3.0 on' };

test.each([
  ['2.6.12-1+deb12u4', ['one at a time', 'only from version 3.0 on, and this is 2.6.12-1+deb12u4']],
  [undefined, ['one at a time', 'only from version 3.0 on, and which one runs here is not known']],
  ['3.0.11', ['one at a time']],
  ['3.2', ['one at a time']],
  ['10.1', ['one at a time']],
])('what version %s cannot do', (version, expected) => {
  expect(gapsAt([always, older], version).map(({ why }) => why)).toEqual(expected);
});

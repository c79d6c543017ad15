import { expect, test } from 'vitest';

import { deviceFor } from './device.ts';

const linux = { platform: 'linux', release: '6.1.0-18-amd64', isRoot: false } as const;

test.each([
  ['127.0.0.1', linux, 'lo'],
  ['127.1.2.3', linux, 'lo'],
  ['0.0.0.0', linux, undefined],
  ['10.0.0.1', linux, undefined],
  ['::1', linux, undefined],
  ['127.0.0.1', { ...linux, release: '5.4.0-150-generic' }, undefined],
  ['127.0.0.1', { ...linux, release: '4.18.0', isRoot: true }, 'lo'],
  ['127.0.0.1', { ...linux, platform: 'darwin' as const }, undefined],
])('a listener at %s on %j is of the device %s', (address, kernel, device) => {
  expect(deviceFor({ address, port: 80 }, kernel)).toBe(device);
});

import type { Stat } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';

import { placeOf } from './place.ts';

const stat = { czxid: 26n, mzxid: 27n } as Stat;
const data = Buffer.alloc(0);

test.each([
  ['web-1_0000000042', stat, '/services/web/web-1_0000000042 cZxid 0x1a, mZxid 0x1b'],
  ['web-1_0000000042', undefined, '/services/web/web-1_0000000042'],
  [
    `base64_200_${'x'.repeat(200)}_0000000007`,
    undefined,
    `/services/web/base64_200_${'x'.repeat(49)}…${'x'.repeat(9)}_0000000007`,
  ],
])('%s stands at its node', (id, stat, text) => {
  expect(placeOf('/services/web', { id, data, stat })).toBe(text);
});

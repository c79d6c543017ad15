import { type Locality, localitySchema } from '@smartstack/policy';
import type { Instance } from '@smartstack/registry';
import { expect, test } from 'vitest';

import type { Discovery } from '../discovery.ts';
import { withLocality } from './locality.ts';

const member = (name: string, zone?: string) => ({
  host: '10.0.0.1',
  port: 80,
  name,
  ...(zone !== undefined && { labels: { zone } }),
});
const locality = localitySchema.parse({ from: 'labels.zone', prefer: ['a', 'b'] });
const [a1, b1] = [member('a1', 'a'), member('b1', 'b')];

test('each list is judged by itself, and with down all members go on to the proxy', async () => {
  const lists = [[a1, b1], [b1]];
  const discovery: Discovery = async function* () {
    yield* lists;
  };
  const through = async (policy: Locality | undefined) => {
    const out: (readonly Instance[])[] = [];
    for await (const list of withLocality(discovery, policy)(new AbortController().signal))
      out.push(list);
    return out;
  };
  expect(await through(locality)).toEqual([[a1], [b1]]);
  expect(await through({ ...locality, spill: 'down' })).toEqual(lists);
  expect(await through(undefined)).toEqual(lists);
});

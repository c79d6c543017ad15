import { expect, test } from 'vitest';

import { disposedTogether } from './disposal.ts';

function part(name: string, ends: string[], failure?: string): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      ends.push(name);
      if (failure !== undefined) throw new Error(failure);
    },
  };
}

test('all are disposed of, though some fail, and every failure is in the error', async () => {
  const ends: string[] = [];
  const all = disposedTogether([
    part('one', ends, 'cannot stop one'),
    part('two', ends),
    part('three', ends, 'cannot stop three'),
  ]);
  const error = await Promise.resolve(all[Symbol.asyncDispose]()).catch(
    (reason: unknown) => reason,
  );
  expect(ends).toEqual(['one', 'two', 'three']);
  expect(error).toBeInstanceOf(AggregateError);
  expect(error).toMatchObject({
    message: 'cannot stop one; cannot stop three',
    errors: [{ message: 'cannot stop one' }, { message: 'cannot stop three' }],
  });
});

test('a single failure is thrown as it is', async () => {
  const all = disposedTogether([part('one', []), part('two', [], 'cannot stop two')]);
  const error = await Promise.resolve(all[Symbol.asyncDispose]()).catch(
    (reason: unknown) => reason,
  );
  expect(error).not.toBeInstanceOf(AggregateError);
  expect(error).toMatchObject({ message: 'cannot stop two' });
});

test('nothing is thrown where all end well', async () => {
  const ends: string[] = [];
  await disposedTogether([part('one', ends), part('two', ends)])[Symbol.asyncDispose]();
  expect(ends).toEqual(['one', 'two']);
});

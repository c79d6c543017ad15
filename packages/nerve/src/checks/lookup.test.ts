import { expect, test } from 'vitest';

import { createLookup } from './lookup.ts';

type Answer = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;

/** A name server that answers when the test says so. */
function nameServer() {
  const questions: { readonly name: string; readonly answer: Answer }[] = [];
  const lookup = createLookup((name, _, answer) => void questions.push({ name, answer }));
  const answers: string[] = [];
  return {
    answers,
    asked: () => questions.map(({ name }) => name),
    ask: (name: string) =>
      lookup(name, {}, (error, address) => answers.push(`${name} ${error?.code ?? address}`)),
    answer: (name: string, address: string | NodeJS.ErrnoException) => {
      const index = questions.findIndex((each) => each.name === name);
      const [question] = questions.splice(index, 1);
      if (typeof address === 'string') question?.answer(null, address, 4);
      else question?.answer(address, '', 4);
    },
  };
}

test('simultaneous lookups of one name are one question', () => {
  const server = nameServer();
  server.ask('a');
  server.ask('a');
  expect(server.asked()).toEqual(['a']);
  server.answer('a', '10.0.0.1');
  expect(server.answers).toEqual(['a 10.0.0.1', 'a 10.0.0.1']);
  server.ask('a');
  expect(server.asked()).toEqual(['a']);
});

test('a silent name server holds two lookups, and the others have their turn when it answers', () => {
  const server = nameServer();
  for (const name of ['a', 'b', 'c', 'd']) server.ask(name);
  expect(server.asked()).toEqual(['a', 'b']);
  server.answer('b', Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }));
  expect(server.asked()).toEqual(['a', 'c']);
  server.answer('a', '10.0.0.1');
  server.answer('c', '10.0.0.3');
  server.answer('d', '10.0.0.4');
  expect(server.answers).toEqual(['b ENOTFOUND', 'a 10.0.0.1', 'c 10.0.0.3', 'd 10.0.0.4']);
});

test("the system's resolver answers by default", async () => {
  const found = await new Promise((resolve) =>
    createLookup()('localhost', { family: 4 }, (_, address) => resolve(address)),
  );
  expect(found).toBe('127.0.0.1');
});

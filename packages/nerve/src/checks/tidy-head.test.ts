import { describe, expect, test } from 'vitest';

import { createTidier, tidyHead } from './tidy-head.ts';

async function through(chunks: readonly Buffer[]): Promise<string> {
  const tidier = createTidier();
  const out: Buffer[] = [];
  tidier.on('data', (chunk: Buffer) => out.push(chunk));
  for (const chunk of chunks) tidier.write(chunk);
  tidier.end();
  await new Promise((resolve) => tidier.once('end', resolve));
  return Buffer.concat(out).toString();
}

const untidy = 'HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nOK : k';
const tidy = 'HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nOK : k';

describe('a head is tidied and a body is not', () => {
  test.each([1, 2, 3, 5, 1000])('in chunks of %i bytes', async (size) => {
    const bytes = Buffer.from(untidy);
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    expect(await through(chunks)).toBe(tidy);
  });

  test('lines that end in LF alone are lines, too', async () => {
    expect(await through([Buffer.from(untidy.replaceAll('\r', ''))])).toBe(
      tidy.replaceAll('\r', ''),
    );
  });

  test('a head without end is passed on as it is', async () => {
    const text = `HTTP/1.1 200 OK\r\n${'X-A : b\r\n'.repeat(10_000)}`;
    expect(await through([Buffer.from(text)])).toBe(text);
  });

  test('two lengths stay two', () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n';
    expect(tidyHead(head)).toBe(head);
  });
});

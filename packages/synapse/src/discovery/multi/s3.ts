import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { z } from 'zod';

import { createAwsCall, type LoadAws } from '../aws.ts';
import type { ToggleOptions } from './toggle.ts';

/** Reads a toggle from S3, `s3://bucket/key`, with AWS' SDK and its usual credentials. */
export function toggleObject(url: string, load: LoadAws, timeout?: number): ToggleOptions['read'] {
  const [, Bucket = '', Key = ''] = s3Url.exec(url) ?? [];
  const get = createAwsCall(
    load,
    { name: '@aws-sdk/client-s3', client: 'S3Client', command: 'GetObjectCommand', read: textOf },
    { timeout },
  );
  return (signal) => get({ Bucket, Key }, signal);
}

/** As a toggle in a file. */
const longest = 1_048_576;

export const s3Url = /^s3:\/\/([^/]+)\/(.+)$/;

/** The SDK resolves with the head of the answer, and its signal says nothing to the body any more. */
async function textOf(object: unknown, signal: AbortSignal): Promise<string> {
  const { Body } = answer.parse(object, { error: () => 'not what S3 answers' });
  let text = '';
  await pipeline(
    Body.setEncoding('utf8'),
    async (parts: AsyncIterable<string>) => {
      for await (const part of parts) {
        if (text.length + part.length > longest)
          throw new Error(`the object is longer than ${longest} characters`);
        text += part;
      }
    },
    { signal },
  );
  return text;
}

const answer = z.object({
  Body: z.custom<Readable>((body) => body instanceof Readable),
});

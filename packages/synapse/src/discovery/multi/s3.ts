import { z } from 'zod';

import { createAwsCall, type LoadAws } from '../aws.ts';
import type { ToggleOptions } from './toggle.ts';

/** Reads a toggle from S3, `s3://bucket/key`, with AWS' SDK and its usual credentials. */
export function toggleObject(url: string, load: LoadAws): ToggleOptions['read'] {
  const [, Bucket = '', Key = ''] = s3Url.exec(url) ?? [];
  const get = createAwsCall(
    load,
    { name: '@aws-sdk/client-s3', client: 'S3Client', command: 'GetObjectCommand' },
    {},
  );
  return async (signal) => {
    const { Body } = answer.parse(await get({ Bucket, Key }, signal), {
      error: () => 'not what S3 answers',
    });
    return Body.transformToString();
  };
}

export const s3Url = /^s3:\/\/([^/]+)\/(.+)$/;

const answer = z.object({
  Body: z.custom<{ transformToString(): Promise<string> }>(
    (body) =>
      typeof (body as { transformToString?: unknown } | undefined)?.transformToString ===
      'function',
  ),
});

import { createHash } from 'node:crypto';
import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';

import type { Resource } from '../xds/resource.ts';

/** A message as it goes over the wire; its version is a hash of it. */
export function encoded<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  facts: Omit<Resource, 'value' | 'version'>,
): Resource {
  const value = toBinary(schema, message);
  return { ...facts, value, version: versionOf(value) };
}

/** Equal for equal bytes, and no secret. */
function versionOf(value: Uint8Array): string {
  return createHash('sha1').update(value).digest('hex').slice(0, 16);
}

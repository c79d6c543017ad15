import { createHash } from 'node:crypto';
import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';

import type { Resource } from '../xds/resource.ts';

/** A message as it goes over the wire; its version is a hash of it. */
export function encoded<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  facts: Omit<Resource, 'value' | 'version'>,
): Resource {
  return resourceOf(toBinary(schema, message), facts);
}

/** What is encoded already. */
export const resourceOf = (
  value: Uint8Array,
  facts: Omit<Resource, 'value' | 'version'>,
): Resource => ({ ...facts, value, version: versionOf(value) });

/** Equal for equal bytes, and no secret. */
function versionOf(value: Uint8Array): string {
  return createHash('sha1').update(value).digest('hex').slice(0, 16);
}

import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';

/** A part of Envoy by its name, with its configuration: filters and access logs are said so. */
export function filterOf<Desc extends DescMessage>(
  name: string,
  schema: Desc,
  config: MessageInitShape<Desc>,
) {
  return {
    name,
    configType: { case: 'typedConfig', value: anyPack(schema, create(schema, config)) },
  } as const;
}

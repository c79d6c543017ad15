import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';

/** A part of Envoy by its name, with its configuration: filters and access logs are said so. */
export function filterOf<Desc extends DescMessage>(
  name: string,
  schema: Desc,
  config: MessageInitShape<Desc>,
) {
  const { typedConfig: value } = extensionOf(name, schema, config);
  return { name, configType: { case: 'typedConfig', value } } as const;
}

/** The same where nothing but a configuration may stand beside the name. */
export const extensionOf = <Desc extends DescMessage>(
  name: string,
  schema: Desc,
  config: MessageInitShape<Desc>,
) => ({ name, typedConfig: anyPack(schema, create(schema, config)) });

import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

/** A value as lines of YAML. */
export function yamlLines(value: JsonValue): readonly string[] {
  if (!isCompound(value)) return [scalar(value)];
  if (Array.isArray(value)) return value.flatMap((each) => listed(yamlLines(each)));
  return Object.entries(value).flatMap(([key, each]) =>
    isCompound(each)
      ? [`${scalar(key)}:`, ...yamlLines(each).map((line) => `  ${line}`)]
      : [`${scalar(key)}: ${scalar(each)}`],
  );
}

/** Whether a value has lines of its own: one that holds nothing has none. */
function isCompound(value: JsonValue): value is JsonObject | JsonValue[] {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function listed([head = '', ...rest]: readonly string[]): readonly string[] {
  return [`- ${head}`, ...rest.map((line) => `  ${line}`)];
}

/** Text that YAML reads as this text stands as it is; other text in quotes, as JSON has it. */
function scalar(value: JsonValue): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const isPlain =
    /^[A-Za-z_/][\w./|=-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value);
  return isPlain ? value : JSON.stringify(value);
}

/** One step of a JSON patch (RFC 6902). */
interface Step {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

type Json = Record<string, unknown> | unknown[];

/** Applies a patch of the type that a request says; throws where it cannot be applied. */
export function patched(type: string, object: unknown, patch: unknown): unknown {
  switch (type) {
    case 'application/json-patch+json':
      return (patch as readonly Step[]).reduce(step, structuredClone(object));
    case 'application/merge-patch+json':
    // All lists of an EndpointSlice are atomic, so that a strategic patch replaces them whole, too.
    case 'application/strategic-merge-patch+json':
      return merged(object, patch);
    default:
      throw new Error(`the body of the request was in an unknown format: ${type}`);
  }
}

/** RFC 7396. */
function merged(object: unknown, patch: unknown): unknown {
  if (!isPlain(patch)) return patch;
  const result: Record<string, unknown> = isPlain(object) ? { ...object } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function step(object: unknown, { op, path, value }: Step): unknown {
  const keys = path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop() ?? '';
  const parent = keys.reduce<unknown>(
    (at, key) => (at as Record<string, unknown>)[key],
    object,
  ) as Json;
  if (typeof parent !== 'object' || parent === null) throw new Error(`there is no ${path}`);
  const at = Array.isArray(parent) && last === '-' ? parent.length : last;
  const present = (parent as Record<string, unknown>)[at];
  if (op === 'test' && JSON.stringify(present) !== JSON.stringify(value))
    throw new Error(`testing ${path} failed`);
  if (op !== 'add' && present === undefined) throw new Error(`there is no ${path}`);
  if (op === 'test') return object;
  if (Array.isArray(parent))
    parent.splice(Number(at), op === 'add' ? 0 : 1, ...(op === 'remove' ? [] : [value]));
  else if (op === 'remove') delete parent[last];
  else parent[last] = value;
  return object;
}

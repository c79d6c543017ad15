import type { KubeObject } from './objects.ts';

export type Matches = (object: KubeObject) => boolean;

/** Whether an object is selected by a request's namespace, `labelSelector` and `fieldSelector`. */
export function selectorOf(namespace: string | undefined, query: URLSearchParams): Matches {
  const labels = partsOf(query.get('labelSelector') ?? '').map(labelTerm);
  const fields = partsOf(query.get('fieldSelector') ?? '').map(fieldTerm);
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    [...labels, ...fields].every((term) => term(object));
}

/** The terms between commas, but not those of a set. */
function partsOf(selector: string): readonly string[] {
  return (selector.match(/(?:[^,(]|\([^)]*\))+/g) ?? []).map((part) => part.trim());
}

function labelTerm(term: string): Matches {
  const [, key = '', not, set] = /^(\S+)\s+(not)?in\s+\(([^)]*)\)$/.exec(term) ?? [];
  const labelOf = (object: KubeObject, name: string) => object.metadata.labels?.[name];
  if (set !== undefined) {
    const values = set.split(',').map((each) => each.trim());
    return (object) => values.includes(labelOf(object, key) ?? '') === (not === undefined);
  }
  const [, name = '', operator, value = ''] = /^([^=!]+)(!=|==?)(.*)$/.exec(term) ?? [];
  if (operator !== undefined)
    return (object) => (labelOf(object, name) === value) === (operator !== '!=');
  if (term.startsWith('!')) return (object) => labelOf(object, term.slice(1)) === undefined;
  return (object) => labelOf(object, term) !== undefined;
}

function fieldTerm(term: string): Matches {
  const [, path = '', value = ''] = /^([^=]+)==?(.*)$/.exec(term) ?? [];
  return ({ metadata }) => String(metadata[path.replace(/^metadata\./, '')] ?? '') === value;
}

import type { Endpoint, Slice } from './slice.ts';

/** Our labels, by where they come from: `zone`, `node`, `hint_zones`, `hostname`, `namespace`, `labels.KEY`, `annotations.KEY`. */
export type LabelRules = Readonly<Record<string, string>>;

/** The sources that are no label or annotation. */
const sources: Readonly<Record<string, (slice: Slice, endpoint: Endpoint) => string | undefined>> =
  {
    zone: (_, { zone }) => zone,
    node: (_, { node }) => node,
    hint_zones: (_, { hintZones }) => hintZones.join(',') || undefined,
    hostname: (_, endpoint) => endpoint.hostname,
    namespace: ({ namespace }) => namespace,
  };

/** What is wrong with a source, or undefined. */
export function labelSourceProblem(source: string): string | undefined {
  if (Object.hasOwn(sources, source) || /^(labels|annotations)\../.test(source)) return undefined;
  return `expected ${Object.keys(sources).join(', ')}, labels.KEY or annotations.KEY`;
}

/** Labels that Kubernetes writes to slices for itself. */
const own = /^(endpointslice\.|service\.)?kubernetes\.io\//;

/** A member's labels: by these rules, or `zone`, `node`, `hint_zones` and the labels that the Service has. */
export function labelsOf(
  slice: Slice,
  endpoint: Endpoint,
  rules: LabelRules | undefined,
): Readonly<Record<string, string>> {
  const wanted = rules ? Object.entries(rules) : usual;
  const values = wanted.flatMap(([label, source]) => {
    const value = valueFrom(source, slice, endpoint);
    return value === undefined || value === '' ? [] : [[label, value] as const];
  });
  if (rules) return Object.fromEntries(values);
  const ofService = Object.entries(slice.labels).filter(([key]) => !own.test(key));
  return { ...Object.fromEntries(ofService), ...Object.fromEntries(values) };
}

const usual = ['zone', 'node', 'hint_zones'].map((each) => [each, each] as const);

function valueFrom(source: string, slice: Slice, endpoint: Endpoint): string | undefined {
  const [, kind, key = ''] = /^(labels|annotations)\.(.+)$/s.exec(source) ?? [];
  if (kind === undefined) return sources[source]?.(slice, endpoint);
  const from = kind === 'labels' ? slice.labels : slice.annotations;
  return Object.hasOwn(from, key) ? from[key] : undefined;
}

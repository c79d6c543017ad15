/** Which services a service's routes send requests to. */
export type Leads = (service: string) => Iterable<string>;

/**
 * The shortest way by routes from a service through this next one back to it, such as
 * `['web', 'api', 'web']`; undefined where there is none.
 */
export function circleThrough(
  service: string,
  next: string,
  leads: Leads,
): readonly string[] | undefined {
  if (next === service) return undefined;
  const ways: (readonly string[])[] = [[service, next]];
  const seen = new Set([next]);
  for (const way of ways) {
    for (const further of leads(way.at(-1) ?? '')) {
      if (further === service) return [...way, service];
      if (seen.has(further)) continue;
      seen.add(further);
      ways.push([...way, further]);
    }
  }
  return undefined;
}

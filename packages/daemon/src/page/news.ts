import { createTimeSlice } from '../run/time-slice.ts';
import type { PageAbout, PageEvent, PageSample, PageView } from './model.ts';

/** The whole state at one moment. */
export interface Present {
  readonly about: PageAbout;
  readonly view: PageView;
  readonly events: readonly PageEvent[];
  readonly samples: readonly PageSample[];
}

/** A view with its parts serialized once for all viewers. */
export interface Written {
  readonly facts: string;
  readonly notices: string;
  readonly order: string;
  readonly services: ReadonlyMap<string, string>;
}

/** Writes a view without holding the event loop, however many services it has. */
export async function writeView({ facts, notices, services }: PageView): Promise<Written> {
  const slice = createTimeSlice();
  const texts = new Map<string, string>();
  for (const service of services) {
    texts.set(service.name, JSON.stringify(service));
    if (slice.isOver) await slice.yield();
  }
  return {
    facts: JSON.stringify(facts),
    notices: JSON.stringify(notices),
    order: JSON.stringify([...texts.keys()]),
    services: texts,
  };
}

/** Remembers what one viewer was sent, and yields only what is new. */
export interface Reader {
  /** The `PageMessage` for this viewer as JSON, without line breaks; undefined when there is no news. */
  news(present: Omit<Present, 'view'>, written: Written, now: number): string | undefined;
}

export function createReader(): Reader {
  let known: Written | undefined;
  let lastEvent = 0;
  let lastSample = 0;
  return {
    news: ({ about, events, samples }, written, now) => {
      const parts = known ? [] : [`"about":${JSON.stringify(about)}`];
      parts.push(...changesOf(written, known));
      const freshEvents = events.filter(({ id }) => id > lastEvent);
      if (freshEvents.length > 0) parts.push(`"events":${JSON.stringify(freshEvents)}`);
      const freshSamples = samples.filter(({ at }) => at > lastSample);
      if (freshSamples.length > 0) parts.push(`"samples":${JSON.stringify(freshSamples)}`);
      known = written;
      lastEvent = events.at(-1)?.id ?? lastEvent;
      lastSample = samples.at(-1)?.at ?? lastSample;
      return parts.length > 0 ? `{"now":${now},${parts.join(',')}}` : undefined;
    },
  };
}

/** The parts of a view that differ from an earlier one, as JSON's keys and values. */
function changesOf(written: Written, known: Written | undefined): readonly string[] {
  const changed = (['facts', 'notices', 'order'] as const)
    .filter((key) => known?.[key] !== written[key])
    .map((key) => `"${key}":${written[key]}`);
  const services = [...written.services]
    .filter(([name, text]) => known?.services.get(name) !== text)
    .map(([, text]) => text);
  return services.length > 0 ? [...changed, `"services":[${services.join(',')}]`] : changed;
}

import { createBreath } from '../run/breath.ts';
import type { PageAbout, PageEvent, PageSample, PageView } from './model.ts';

/** All there is to tell at one moment. */
export interface Present {
  readonly about: PageAbout;
  readonly view: PageView;
  readonly events: readonly PageEvent[];
  readonly samples: readonly PageSample[];
}

/** A view whose parts are text already, so that telling many viewers costs little. */
export interface Written {
  readonly facts: string;
  readonly notices: string;
  readonly order: string;
  readonly services: ReadonlyMap<string, string>;
}

/** Writes a view without holding the event loop, however many services it has. */
export async function writeView({ facts, notices, services }: PageView): Promise<Written> {
  const breath = createBreath();
  const texts = new Map<string, string>();
  for (const service of services) {
    texts.set(service.name, JSON.stringify(service));
    if (breath.isDue) await breath.take();
  }
  return {
    facts: JSON.stringify(facts),
    notices: JSON.stringify(notices),
    order: JSON.stringify([...texts.keys()]),
    services: texts,
  };
}

/** What one viewer was told already, and so need not be told again. */
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
      const parts: string[] = [];
      const say = (key: string, text: string) => parts.push(`"${key}":${text}`);
      if (!known) say('about', JSON.stringify(about));
      for (const key of ['facts', 'notices', 'order'] as const)
        if (known?.[key] !== written[key]) say(key, written[key]);
      const services = [...written.services].filter(
        ([name, text]) => known?.services.get(name) !== text,
      );
      if (services.length > 0) say('services', `[${services.map(([, text]) => text).join(',')}]`);
      const freshEvents = events.filter(({ id }) => id > lastEvent);
      if (freshEvents.length > 0) say('events', JSON.stringify(freshEvents));
      const freshSamples = samples.filter(({ at }) => at > lastSample);
      if (freshSamples.length > 0) say('samples', JSON.stringify(freshSamples));
      known = written;
      lastEvent = events.at(-1)?.id ?? lastEvent;
      lastSample = samples.at(-1)?.at ?? lastSample;
      return parts.length > 0 ? `{"now":${now},${parts.join(',')}}` : undefined;
    },
  };
}

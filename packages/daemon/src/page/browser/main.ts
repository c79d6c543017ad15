import type { PageAbout, PageMessage, PageSample } from '../model.ts';
import { byId } from './dom.ts';
import { createEvents } from './events.ts';
import { drawAbout, drawClock, drawFacts, drawLink, drawNotices } from './head.ts';
import { keepLinked } from './link.ts';
import { refreshAges } from './rows.ts';
import { createServices } from './services.ts';

interface Shown {
  readonly about: PageAbout;
  readonly services: ReturnType<typeof createServices>;
  readonly events: ReturnType<typeof createEvents>;
  order: readonly string[];
  samples: readonly PageSample[];
}

/** Samples older than this, in milliseconds, are not plotted. */
const longest = 300_000;

let shown: Shown | undefined;

keepLinked({ onState: drawLink, onMessage: take });

function take(message: PageMessage): void {
  const { now, about, facts, notices, services = [], order, events = [], samples = [] } = message;
  // A new connection sends the whole state again.
  if (about && about.started !== shown?.about.started) shown = begin(about, now);
  if (!shown) return;
  shown.order = order ?? shown.order;
  shown.services.draw(services, shown.order.length, now);
  if (order) shown.services.arrange(order);
  if (facts) drawFacts(facts);
  if (notices) drawNotices(notices, shown.order.length, now, shown.services.reveal);
  if (events.length > 0) shown.events.add(events, now);
  const last = shown.samples.at(-1)?.at ?? 0;
  const fresh = samples.filter(({ at }) => at > last);
  if (fresh.length > 0) {
    const kept = shown.samples.filter(({ at }) => at > now - longest);
    shown.samples = [...kept, ...fresh];
    shown.services.plot(shown.samples, now);
  }
  drawClock(now);
  refreshAges(now);
}

function begin(about: PageAbout, now: number): Shown {
  drawAbout(about, now);
  const services = createServices(about);
  return { about, services, events: createEvents(services.reveal), order: [], samples: [] };
}

document.addEventListener('keydown', (event) => {
  const search = byId('filter');
  if (event.key !== '/' || event.target === search || byId('search').hidden) return;
  event.preventDefault();
  search.focus();
});

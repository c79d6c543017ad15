import type { PageAbout, PageMessage, PageNotice } from '../model.ts';
import { byId, element, setText } from './dom.ts';
import { serviceLink } from './events.ts';
import { clock, span } from './format.ts';
import type { LinkState } from './link.ts';
import { ageOf, badge } from './rows.ts';

const links: Readonly<Record<LinkState, string>> = {
  connecting: 'connecting',
  live: 'live',
  polling: 'live, asked once a second',
  lost: 'no connection: what you see may be old',
};

/** Says whose page this is. */
export function drawAbout({ daemon, instance, version, started }: PageAbout, now: number): void {
  setText(byId('daemon'), daemon);
  setText(byId('instance'), instance);
  const running = element('span', {}, 'up ', ageOf(started, now));
  byId('about').replaceChildren(`${version}`, running);
}

export function drawLink(state: LinkState): void {
  const link = byId('link');
  setText(link, links[state]);
  link.className = `link-state ${state}`;
  document.body.classList.toggle('cut-off', state === 'lost');
}

export function drawClock(now: number): void {
  setText(byId('clock'), clock(now, now));
}

export function drawFacts(facts: NonNullable<PageMessage['facts']>): void {
  byId('facts').replaceChildren(
    ...facts.map(([label, value, tone]) =>
      element('div', { class: tone }, element('dt', {}, label), element('dd', {}, value)),
    ),
  );
}

/** What is wrong, first; `onService` is told which service one wants to see. */
export function drawNotices(
  notices: readonly PageNotice[],
  services: number,
  now: number,
  onService: (name: string) => void,
): void {
  const bad = notices.filter(({ tone }) => tone === 'bad').length;
  const tone = bad > 0 ? 'bad' : notices.length > 0 ? 'warn' : 'good';
  const verdict = byId('verdict');
  verdict.className = tone;
  setText(verdict, verdictOf(notices.length, bad, services));
  byId('notices').replaceChildren(...notices.map((notice) => noticeOf(notice, now, onService)));
  const count = notices.length > 0 ? `(${notices.length}) ` : '';
  document.title = `${count}${byId('daemon').textContent} · ${byId('instance').textContent}`;
}

function verdictOf(notices: number, bad: number, services: number): string {
  const matters = (count: number) => (count === 1 ? 'One thing' : `${count} things`);
  if (bad > 0) return `${matters(bad)} ${bad === 1 ? 'is' : 'are'} broken`;
  if (notices > 0) return `${matters(notices)} to look at`;
  if (services === 0) return 'No services are configured';
  return services === 1 ? 'The service is well' : `All ${services} services are well`;
}

function noticeOf(
  { tone, title, text, service, since, until }: PageNotice,
  now: number,
  onService: (name: string) => void,
): HTMLElement {
  return element(
    'li',
    { class: tone },
    badge(tone, title),
    element(
      'span',
      { class: 'text' },
      service === undefined ? undefined : serviceLink(service, onService),
      text,
    ),
    element(
      'span',
      { class: 'age' },
      since === undefined ? undefined : ageOf(since, now),
      until === undefined ? undefined : ` until ${clock(until, now)} (${span(until - now)})`,
    ),
  );
}

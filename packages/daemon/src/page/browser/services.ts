import type { PageAbout, PageSample, PageService } from '../model.ts';
import { byId, element, setAttribute, setText } from './dom.ts';
import { measured } from './format.ts';
import { createPlot, createSparkline } from './plot.ts';
import { ageOf, badge, createRows } from './rows.ts';
import { seriesOf } from './series.ts';

interface Card {
  readonly node: HTMLDetailsElement;
  draw(service: PageService, now: number): void;
  plot(samples: readonly PageSample[], now: number): void;
}

/** The list of services: a card each, those in trouble first and open. */
export function createServices(about: PageAbout) {
  const list = byId('services');
  const filter = byId('filter') as HTMLInputElement;
  const cards = new Map<string, Card>();
  const seen = new Set<Element>();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries)
        if (isIntersecting) seen.add(target);
        else seen.delete(target);
    },
    { rootMargin: '300px' },
  );
  list.replaceChildren();
  drawColumns(about);

  function narrow(): void {
    const wanted = filter.value.trim().toLowerCase();
    for (const [name, { node }] of cards) node.hidden = !name.toLowerCase().includes(wanted);
  }
  filter.oninput = narrow;

  function cardOf(service: PageService, open: boolean): Card {
    const present = cards.get(service.name);
    if (present) return present;
    const card = createCard(service.name, about);
    card.node.open = open;
    observer.observe(card.node);
    cards.set(service.name, card);
    return card;
  }

  return {
    draw: (services: readonly PageService[], total: number, now: number): void => {
      for (const service of services) {
        const open = total <= 3 || (total <= 12 && service.tone === 'bad');
        cardOf(service, open).draw(service, now);
      }
    },
    arrange: (order: readonly string[]): void => {
      const names = new Set(order);
      for (const [name, { node }] of cards) {
        if (names.has(name)) continue;
        observer.unobserve(node);
        seen.delete(node);
        node.remove();
        cards.delete(name);
      }
      order.forEach((name, index) => {
        const node = cards.get(name)?.node;
        if (node && list.children[index] !== node)
          list.insertBefore(node, list.children[index] ?? null);
      });
      byId('columns').hidden = order.length === 0;
      byId('search').hidden = order.length < 5;
      byId('empty').hidden = order.length > 0;
      narrow();
    },
    plot: (samples: readonly PageSample[], now: number): void => {
      for (const card of cards.values()) if (seen.has(card.node)) card.plot(samples, now);
    },
    reveal: (name: string): void => {
      const node = cards.get(name)?.node;
      if (!node) return;
      filter.value = '';
      narrow();
      node.open = true;
      node.scrollIntoView({ block: 'start' });
      node.querySelector('summary')?.focus({ preventScroll: true });
    },
  };
}

/** The headings of the cards' heads, for who sees them side by side. */
function drawColumns({ plots }: PageAbout): void {
  byId('columns').replaceChildren(
    element('span', {}, 'Name'),
    element('span', {}, 'State'),
    element('span', {}, 'Address'),
    element(
      'span',
      { class: 'numbers headings' },
      element('span', {}),
      ...plots.map(({ label, hint }) => element('span', { title: hint }, label)),
    ),
  );
}

function createCard(name: string, { row, plots }: PageAbout): Card {
  const state = element('span', { class: 'verdict' });
  const place = element('code', { class: 'place' });
  const spark = createSparkline();
  const numbers = plots.map(({ label }) => element('span', { class: 'number', title: label }));
  const reason = element('p', { class: 'reason' });
  const facts = element('dl', { class: 'facts' });
  const figures = plots.map((plot) => createPlot(plot));
  const rows = createRows(row);
  const summary = element(
    'summary',
    { 'data-measured': 'no' },
    element('span', { class: 'name' }, name),
    state,
    place,
    element('span', { class: 'numbers' }, spark.node, ...numbers),
  );
  const node = element(
    'details',
    { class: 'service' },
    summary,
    element(
      'div',
      { class: 'inside' },
      reason,
      element('div', { class: 'plots' }, ...figures.map((figure) => figure.node)),
      rows.node,
      facts,
    ),
  );
  let last: { samples: readonly PageSample[]; now: number } = { samples: [], now: Date.now() };

  function plot(): void {
    const { samples, now } = last;
    const newest = samples.at(-1)?.values[name];
    setAttribute(summary, 'data-measured', newest ? 'yes' : 'no');
    numbers.forEach((number, index) => {
      const { unit = '/s', tone } = plots[index] ?? {};
      setText(number, measured(newest?.[index], unit));
      number.classList.toggle('bad', tone === 'bad' && (newest?.[index] ?? 0) > 0);
    });
    spark.draw(seriesOf(samples, name, 0), now);
    if (!node.open) return;
    for (const [index, figure] of figures.entries())
      figure.draw(seriesOf(samples, name, index), now);
  }
  node.addEventListener('toggle', plot);

  return {
    node,
    draw: (service, now) => {
      node.className = `service ${service.tone}`;
      const age = service.since === undefined ? undefined : ageOf(service.since, now);
      state.replaceChildren(badge(service.tone, service.state), ...(age ? [age] : []));
      setText(place, service.place);
      setText(reason, service.reason ?? '');
      reason.hidden = service.reason === undefined;
      facts.replaceChildren(
        ...service.facts.map(([label, value]) =>
          element('div', {}, element('dt', {}, label), element('dd', {}, value)),
        ),
      );
      rows.draw(service, now);
    },
    plot: (samples, now) => {
      last = { samples, now };
      plot();
    },
  };
}

import type { PageAbout, PageSample, PageService } from '../model.ts';
import { type Card, createCard } from './card.ts';
import { byId, element } from './dom.ts';

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
    const card = createCard(service.name, about, open);
    observer.observe(card.node);
    cards.set(service.name, card);
    return card;
  }

  return {
    draw: (services: readonly PageService[], total: number, now: number): void => {
      for (const service of services) {
        const open = total <= 3 || (total <= 12 && service.tone === 'bad');
        const card = cardOf(service, open);
        card.draw(service, now);
        if (!open) card.settle();
      }
    },
    arrange: (order: readonly string[]): void => {
      const names = new Set(order);
      const focused = document.activeElement;
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
      // A node that is moved loses the focus.
      if (focused instanceof HTMLElement && list.contains(focused)) focused.focus();
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

/** The headings of the cards' columns, shown on wide screens. */
function drawColumns({ plots }: PageAbout): void {
  byId('columns').replaceChildren(
    element('span', {}, 'Name'),
    element('span', {}, 'State'),
    element('span', {}, 'Address'),
    element(
      'span',
      { class: 'numbers headings' },
      element('span', {}),
      ...plots
        .filter(({ isDetail }) => !isDetail)
        .map(({ label, hint }) => element('span', { title: hint }, label)),
    ),
  );
}

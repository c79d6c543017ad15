import type { PageEvent } from '../model.ts';
import { byId, element } from './dom.ts';
import { clock } from './format.ts';
import { badge } from './rows.ts';

const most = 200;

/** The list of what happened, newest first; `onService` is told which service one wants to see. */
export function createEvents(onService: (name: string) => void) {
  const list = byId('events');
  let last = 0;
  list.replaceChildren();
  return {
    add: (events: readonly PageEvent[], now: number): void => {
      const fresh = events.filter(({ id }) => id > last);
      last = fresh.at(-1)?.id ?? last;
      list.prepend(...fresh.toReversed().map((event) => itemOf(event, now, onService)));
      while (list.children.length > most) list.lastElementChild?.remove();
      byId('no-events').hidden = list.children.length > 0;
    },
  };
}

function itemOf(
  { at, kind, tone, service, text }: PageEvent,
  now: number,
  onService: (name: string) => void,
): HTMLElement {
  const time = element('time', {}, clock(at, now));
  time.dateTime = new Date(at).toISOString();
  return element(
    'li',
    { class: tone },
    time,
    badge(tone, kind),
    element(
      'span',
      { class: 'text' },
      service === undefined ? undefined : serviceLink(service, onService),
      text,
    ),
  );
}

/** A button that shows a service's card. */
export function serviceLink(name: string, onService: (name: string) => void): HTMLElement {
  const button = element('button', { type: 'button', class: 'link' }, name);
  button.addEventListener('click', () => onService(name));
  return button;
}

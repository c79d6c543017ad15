import type { PageRow, PageService, Tone } from '../model.ts';
import { element, setAttribute } from './dom.ts';
import { clock, span } from './format.ts';

interface Column {
  readonly name: string;
  readonly heading: string;
  has(row: PageRow): boolean;
  cell(row: PageRow, now: number): readonly (Node | string)[];
}

const columnsOf = (row: string): readonly Column[] => [
  {
    name: 'state',
    heading: 'State',
    has: () => true,
    cell: ({ tone, state }) => [badge(tone, state)],
  },
  {
    name: 'title',
    heading: capital(row),
    has: () => true,
    cell: ({ title, name }) => [
      element('code', {}, title),
      ...(name === undefined ? [] : [element('small', {}, name)]),
    ],
  },
  {
    name: 'source',
    heading: 'Source',
    has: ({ source }) => source !== undefined,
    cell: ({ source }) => [source ?? ''],
  },
  {
    name: 'age',
    heading: 'Age',
    has: ({ since }) => since !== undefined,
    cell: ({ since }, now) => (since === undefined ? [] : [ageOf(since, now)]),
  },
  {
    name: 'why',
    heading: 'Why',
    has: ({ reason }) => reason !== undefined,
    cell: ({ reason, until }, now) => [
      [reason, until !== undefined && `back at ${clock(until, now)}`].filter(Boolean).join('; '),
    ],
  },
];

/** A table of a service's members, without columns that nothing is in, drawn anew when they are others. */
export function createRows(row: string) {
  const node = element('div', { class: 'rows' });
  const all = columnsOf(row);
  return {
    node,
    draw: ({ rows, hidden, name }: PageService, now: number): void => {
      const columns = all.filter(({ has }) => rows.some(has));
      const heads = columns.map(({ heading }) => element('th', { scope: 'col' }, heading));
      const table = element(
        'table',
        {},
        element('caption', { class: 'unseen' }, `${capital(row)}s of ${name}`),
        element('thead', {}, element('tr', {}, ...heads)),
        element('tbody', {}, ...rows.map((each) => rowOf(each, columns, now))),
      );
      const more = element('p', { class: 'more' }, `and ${hidden} more`);
      node.replaceChildren(...(rows.length > 0 ? [table] : []), ...(hidden > 0 ? [more] : []));
    },
  };
}

function rowOf(row: PageRow, columns: readonly Column[], now: number): HTMLElement {
  const cells = columns.map(({ name, cell }) => element('td', { class: name }, ...cell(row, now)));
  return element('tr', { class: row.tone }, ...cells);
}

/** A word with a mark whose shape and colour say the same. */
export function badge(tone: Tone, text: string): HTMLElement {
  return element('span', { class: `badge ${tone}` }, text);
}

/** How long something is so, kept up to date by `refreshAges`. */
export function ageOf(since: number, now: number): HTMLElement {
  const age = element('time', { class: 'since', 'data-since': since });
  age.dateTime = new Date(since).toISOString();
  age.title = `since ${clock(since, now)}`;
  age.textContent = span(now - since);
  return age;
}

/** Brings every age on the page up to date. */
export function refreshAges(now: number): void {
  for (const age of document.querySelectorAll<HTMLElement>('time.since')) {
    const text = span(now - Number(age.dataset.since));
    if (age.textContent !== text) age.textContent = text;
    setAttribute(age, 'title', `since ${clock(Number(age.dataset.since), now)}`);
  }
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

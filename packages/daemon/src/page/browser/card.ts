import type { PageAbout, PagePlot, PageSample, PageService } from '../model.ts';
import { element, setAttribute, setText } from './dom.ts';
import { measured } from './format.ts';
import { createPlot, createSparkline, type Plot } from './plot.ts';
import { ageOf, badge, createRows } from './rows.ts';
import { seriesOf } from './series.ts';

/** One service: a line that opens. */
export interface Card {
  readonly node: HTMLDetailsElement;
  draw(service: PageService, now: number): void;
  plot(samples: readonly PageSample[], now: number): void;
  /** Closes it again, unless a person opened it. */
  settle(): void;
}

export function createCard(name: string, { row, plots }: PageAbout, open: boolean): Card {
  const head = createHead(
    name,
    plots.filter(({ isDetail }) => !isDetail),
  );
  const reason = element('p', { class: 'reason' });
  const facts = element('dl', { class: 'facts' });
  const figures = createFigures(name, plots);
  const rows = createRows(row);
  const inside = element('div', { class: 'inside' }, reason, figures.node, rows.node, facts);
  const node = element('details', { class: 'service' }, head.node, inside);
  let last: { samples: readonly PageSample[]; now: number } = { samples: [], now: Date.now() };
  let isOpen = open;
  let isTouched = false;

  function plot(): void {
    const { samples, now } = last;
    head.plot(samples, now);
    if (node.open) figures.draw(samples, now);
  }

  node.open = open;
  node.addEventListener('toggle', () => {
    isTouched ||= node.open !== isOpen;
    plot();
  });

  return {
    node,
    draw: (service, now) => {
      node.className = `service ${service.tone}`;
      head.draw(service, now);
      figures.use(service.plots);
      setText(reason, service.reason ?? '');
      reason.hidden = service.reason === undefined;
      const said = service.facts.map(([label, value]) =>
        element('div', {}, element('dt', {}, label), element('dd', {}, value)),
      );
      facts.replaceChildren(...said);
      rows.draw(service, now);
    },
    settle: () => {
      isOpen = false;
      if (!isTouched) node.open = false;
    },
    plot: (samples, now) => {
      last = { samples, now };
      plot();
    },
  };
}

/** A service's plots, under the names that they have for it. */
function createFigures(name: string, plots: readonly PagePlot[]) {
  const node = element('div', { class: 'plots' });
  let figures: readonly (readonly [index: number, figure: Plot])[] = [];
  let used: string | undefined;
  return {
    node,
    use: (names: PageService['plots'] = plots): void => {
      const text = JSON.stringify(names);
      if (text === used) return;
      used = text;
      figures = plots.flatMap((plot, index) => {
        const own = names[index];
        return own ? [[index, createPlot({ ...plot, ...own })] as const] : [];
      });
      node.replaceChildren(...figures.map(([, figure]) => figure.node));
    },
    draw: (samples: readonly PageSample[], now: number): void => {
      for (const [index, figure] of figures) figure.draw(seriesOf(samples, name, index), now);
    },
  };
}

/** The line: name, state, address, and the newest numbers. */
function createHead(name: string, plots: readonly PagePlot[]) {
  const state = element('span', { class: 'verdict' });
  const place = element('code', { class: 'place' });
  const spark = createSparkline();
  const numbers = plots.map(({ label }) => element('span', { class: 'number', title: label }));
  const node = element(
    'summary',
    { 'data-measured': 'no' },
    element('span', { class: 'name' }, name),
    state,
    place,
    element('span', { class: 'numbers' }, spark.node, ...numbers),
  );
  return {
    node,
    draw: (service: PageService, now: number): void => {
      const age = service.since === undefined ? undefined : ageOf(service.since, now);
      state.replaceChildren(badge(service.tone, service.state), ...(age ? [age] : []));
      setText(place, service.place);
    },
    plot: (samples: readonly PageSample[], now: number): void => {
      const newest = samples.at(-1)?.values[name];
      setAttribute(node, 'data-measured', newest ? 'yes' : 'no');
      for (const [index, number] of numbers.entries()) {
        const { unit = '/s', tone } = plots[index] ?? {};
        setText(number, measured(newest?.[index], unit));
        number.classList.toggle('bad', tone === 'bad' && (newest?.[index] ?? 0) > 0);
      }
      spark.draw(seriesOf(samples, name, 0), now);
    },
  };
}

import type { PagePlot } from '../model.ts';
import { element, setAttribute, setText } from './dom.ts';
import { clock, measured, span } from './format.ts';
import {
  highest,
  nearest,
  pathsOf,
  percentile,
  roundedUp,
  type Series,
  stretchOf,
} from './series.ts';

/** A drawing of a series that can be drawn again. */
export interface Plot {
  readonly node: HTMLElement | SVGElement;
  draw(series: Series, now: number): void;
}

/** A small line without words beside it, to be seen at a glance. */
export function createSparkline(): Plot {
  const area = element('path', { class: 'area' });
  const line = element('path', { class: 'line' });
  const node = element(
    'svg',
    { class: 'spark', viewBox: '0 0 120 26', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    area,
    line,
  );
  return {
    node,
    draw: (series, now) => {
      const top = Math.max(1, highest(series) ?? 0) * 1.1;
      const stretch = stretchOf(series, now);
      const frame = { width: 120, height: 25, top, from: now - stretch, to: now };
      const paths = pathsOf(series, frame);
      setAttribute(line, 'd', paths.line);
      setAttribute(area, 'd', paths.area);
    },
  };
}

/** A plot with its scale, its newest value and, where that says something, percentiles of what it shows. */
export function createPlot(plot: PagePlot): Plot {
  const area = element('path', { class: 'area' });
  const line = element('path', { class: 'line' });
  const cursor = element('line', { class: 'cursor', y1: 0, y2: 60, x1: -1, x2: -1 });
  const drawing = element(
    'svg',
    { viewBox: '0 0 300 60', preserveAspectRatio: 'none', role: 'img' },
    element('line', { class: 'grid', x1: 0, x2: 300, y1: 0.5, y2: 0.5 }),
    element('line', { class: 'grid', x1: 0, x2: 300, y1: 30, y2: 30 }),
    element('line', { class: 'grid', x1: 0, x2: 300, y1: 59.5, y2: 59.5 }),
    area,
    line,
    cursor,
  );
  const value = element('strong', { class: 'value' });
  const scale = element('span', { class: 'scale', 'aria-hidden': 'true' });
  const note = element('small', { class: 'note' });
  const node = element(
    'figure',
    { class: `plot ${plot.tone}` },
    element('figcaption', { title: plot.hint }, element('span', {}, plot.label), value),
    element('div', { class: 'canvas' }, drawing, scale),
    note,
  );
  let shown: Series = [];
  let latest = 0;
  let stretch = 60_000;
  let pointed: number | undefined;

  /** The numbers in words: the newest ones, or those that a pointer is at. */
  function tell(): void {
    const at = pointed === undefined ? undefined : latest - stretch + pointed * stretch;
    const point = at === undefined ? shown.at(-1) : nearest(shown, at);
    setText(value, measured(point?.[1], plot.unit));
    const x = point && at !== undefined ? 300 * (1 - (latest - point[0]) / stretch) : -1;
    setAttribute(cursor, 'x1', String(x));
    setAttribute(cursor, 'x2', String(x));
    setText(
      note,
      point && at !== undefined ? `at ${clock(point[0], latest)}` : noteOf(shown, plot),
    );
  }

  drawing.addEventListener('pointermove', (event) => {
    const { left, width } = drawing.getBoundingClientRect();
    pointed = (event.clientX - left) / width;
    tell();
  });
  drawing.addEventListener('pointerleave', () => {
    pointed = undefined;
    tell();
  });

  return {
    node,
    draw: (series, now) => {
      shown = series;
      latest = now;
      stretch = stretchOf(series, now);
      const most = highest(shown);
      const top = roundedUp(most ?? 0);
      const paths = pathsOf(shown, { width: 300, height: 60, top, from: now - stretch, to: now });
      setAttribute(line, 'd', paths.line);
      setAttribute(area, 'd', paths.area);
      setText(scale, measured(top, plot.unit));
      setAttribute(
        drawing,
        'aria-label',
        `${plot.label}, last ${span(stretch)}: now ${measured(shown.at(-1)?.[1], plot.unit)}, highest ${measured(most, plot.unit)}`,
      );
      tell();
    },
  };
}

function noteOf(series: Series, { percentiles, unit }: PagePlot): string {
  const most = highest(series);
  if (most === undefined) return 'nothing to measure yet';
  if (!percentiles) return `highest ${measured(most, unit)}`;
  const [half, high] = [percentile(series, 0.5), percentile(series, 0.95)];
  return `p50 ${measured(half, unit)} · p95 ${measured(high, unit)} ${percentiles}`;
}

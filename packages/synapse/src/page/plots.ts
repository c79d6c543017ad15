import type { PagePlot, PageService } from '@smartstack/daemon';
import type { Measured, TrafficHints } from '@smartstack/proxy';

/** What is plotted of each service, with what each proxy says of it; the numbers of `createTraffic` are in this order. */
export function trafficPlots(hints: readonly TrafficHints[]): readonly PagePlot[] {
  const said = (pick: (hint: TrafficHints) => string) => [...new Set(hints.map(pick))].join('. ');
  const percentiles = said((hint) => hint.percentiles);
  const average = said((hint) => hint.average);
  return [
    { label: 'Requests', unit: '/s', hint: said(({ requests }) => requests), tone: 'plain' },
    { label: 'Errors', unit: '/s', hint: said(({ errors }) => errors), tone: 'bad' },
    {
      label: 'p50 or average',
      unit: 'ms',
      hint: `${percentiles}. Of others it is the average time: ${average}`,
      tone: 'time',
    },
    {
      label: 'p95 or slowest member',
      unit: 'ms',
      hint: `${percentiles}. Of others it is the highest of the members’ own moving averages`,
      tone: 'time',
    },
    { label: 'p99', unit: 'ms', hint: percentiles, tone: 'time', isDetail: true },
  ];
}

/** What the plots show of one service: percentiles of its requests where these are counted, else averages. */
export function plotNames(
  measured: Measured | undefined,
  hints: TrafficHints,
): NonNullable<PageService['plots']> {
  const { requests, errors, average, percentiles } = hints;
  const rates = [
    { label: 'Requests', hint: requests },
    { label: 'Errors', hint: errors },
  ];
  if (measured && measured.routes.length > 0)
    return [...rates, ...percents.map((percent) => ({ label: `p${percent}`, hint: percentiles }))];
  return [
    ...rates,
    { label: 'Average time', hint: average, percentiles: 'of this average, not of requests' },
    { label: 'Slowest member', hint: 'The highest of the members’ own moving averages' },
    null,
  ];
}

/** Which percentiles are plotted. */
export const percents = [50, 95, 99] as const;

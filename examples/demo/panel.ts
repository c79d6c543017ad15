import { setTimeout as sleep } from 'node:timers/promises';
import type { Traffic } from '../../test/support/traffic.ts';
import type { Screen } from './screen.ts';

/** Characters of a copy that gives every answer. */
const barWidth = 44;
const frame = 100;
const samplesKept = 10;

/** Draws who answers, as of the last second, until aborted. */
export async function watchTraffic(
  screen: Screen,
  traffic: Traffic,
  signal: AbortSignal,
): Promise<void> {
  if (!screen.live) return;
  let samples: readonly ReadonlyMap<string, number>[] = [];
  while (!signal.aborted) {
    samples = [...samples, new Map(traffic.byCopy)].slice(-samplesKept - 1);
    const [oldest, newest] = [samples[0], samples.at(-1)];
    const rates = [...traffic.byCopy.keys()].sort().map((name): Rate => {
      const answers = newest?.get(name) ?? 0;
      const recent = Math.max(0, answers - (oldest?.get(name) ?? 0));
      return { name, answers, recent };
    });
    screen.panel(['', ...bars(screen, rates), '', `  ${totals(screen, traffic)}`]);
    await sleep(frame, undefined, { signal }).catch(() => {});
  }
  screen.panel([]);
}

interface Rate {
  readonly name: string;
  /** Since the story began, and in the last second. */
  readonly answers: number;
  readonly recent: number;
}

function bars(screen: Screen, rates: readonly Rate[]): readonly string[] {
  const all = rates.reduce((sum, { recent }) => sum + recent, 0);
  return rates.map(({ name, answers, recent }) => barLine(screen, { name, answers, recent, all }));
}

/** One copy's bar: its share of all recent answers as a length, and how many it ever gave. */
export function barLine(screen: Screen, { name, answers, recent, all }: Rate & { all: number }) {
  const share = all === 0 ? 0 : recent / all;
  const bar = '█'.repeat(Math.round(share * barWidth)).padEnd(barWidth / 2 + 1);
  const percent = `${Math.round(share * 100)} %`.padStart(5);
  const painted = screen.paint(share > 0 ? 'green' : 'dim', bar);
  return `  ${name}  ${painted} ${percent} ${count(answers).padStart(8)} answers`;
}

/** The line that counts requests. */
export function totals(screen: Screen, { rate, answered, lost }: Traffic): string {
  const losses = screen.paint(lost === 0 ? ['green', 'bold'] : ['red', 'bold'], `${lost} lost`);
  return `${rate} requests/s, each on a new connection: ${count(answered)} answered, ${losses}`;
}

export const count = (value: number) => value.toLocaleString('en-US');

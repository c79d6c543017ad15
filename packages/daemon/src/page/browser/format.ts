/** A span of time in its largest units: `42 s`, `3 min`, `5 h 10 min`, `12 d`. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 10) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/** A time of day, with the date where that is another than today's. */
export function clock(at: number, now: number): string {
  const date = new Date(at);
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return sameDay(date, new Date(now)) ? time : `${dayOf(date)} ${time}`;
}

/** A number that fits: `0`, `0.4`, `12`, `3,400`, `1.2 M`. */
export function amount(value: number): string {
  if (value >= 999_500) return `${(value / 1_000_000).toFixed(1)} M`;
  if (value >= 9.95) return Math.round(value).toLocaleString('en');
  return value === 0 ? '0' : value.toFixed(1).replace(/\.0$/, '');
}

/** A plotted number with its unit; proxies measure whole milliseconds, so that 0 is less than one. */
export function measured(value: number | null | undefined, unit: '/s' | 'ms'): string {
  if (value === null || value === undefined) return '–';
  if (unit === '/s') return `${amount(value)}/s`;
  if (value < 1) return '<1 ms';
  return value < 10_000 ? `${amount(value)} ms` : `${amount(value / 1000)} s`;
}

const two = (value: number) => String(value).padStart(2, '0');

function dayOf(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function sameDay(one: Date, other: Date): boolean {
  return dayOf(one) === dayOf(other);
}

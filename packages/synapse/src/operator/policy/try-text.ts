import { writtenLine, writtenShare, writtenTime, writtenWord } from '@smartstack/policy';

import type { TriedRequest, TriedTarget, Tries } from './try.ts';

/** What would become of a request, as text. */
export function triedText(tried: TriedRequest): string {
  const { request, service, route, answer = {}, rewritten, targets, tries } = tried;
  const { respond, redirect } = answer;
  const lines = [
    ['route', routeText(route)],
    ...route.because.map((text) => ['', text]),
    ...route.passed.map(({ index, name, why }) => ['not', `${nameText(index, name)}: ${why}`]),
    ...limitTexts(tried),
    ...(respond ? [['answer', `${respond.status}, without any member`]] : []),
    ...(redirect ? [['answer', `${redirect.status}, a redirect: ${writtenLine(redirect)}`]] : []),
    ...(rewritten
      ? [
          [
            'rewrite',
            [rewritten.url, ...(rewritten.host ? [`host ${rewritten.host}`] : [])].join(', '),
          ],
        ]
      : []),
    ...headerTexts(tried),
    ...targets.map((target, index) => [index === 0 ? 'goes to' : '', targetText(target)]),
    ...tries.flatMap((each) => triesText(each, request.method, tries.length > 1)),
  ];
  const rows = lines.map(([key = '', text = '']) => `  ${key.padEnd(12)}${text}\n`);
  return `${request.method} ${request.url} to ${service}\n${rows.join('')}`;
}

function routeText({ index, name, at }: TriedRequest['route']): string {
  if (index === undefined) return `${name}: no route matches`;
  return `${nameText(index, name)}${at === null ? '' : ` (${at})`}`;
}

const nameText = (index: number, name: string) =>
  name === String(index) ? `routes[${index}]` : `${name}, routes[${index}]`;

function limitTexts({ limits, rate_limit: limit, fault = {} }: TriedRequest): readonly string[][] {
  const { delay, abort } = fault;
  return [
    ...(limits ? [['limits', writtenLine(limits)]] : []),
    ...(limit
      ? [
          [
            'rate limit',
            `${limit.requests} per ${writtenTime(limit.per)}, ${limit.burst} more after a quiet time, ${limit.by === undefined ? 'for all clients together' : `for each ${writtenLine(limit.by)}`}; more is answered with 429`,
          ],
        ]
      : []),
    ...(delay
      ? [['fault', `${writtenShare(delay.share)} wait ${writtenTime(delay.time)} first`]]
      : []),
    ...(abort ? [['fault', `${writtenShare(abort.share)} are answered with ${abort.status}`]] : []),
  ];
}

function headerTexts({ headers = {} }: TriedRequest): readonly string[][] {
  return (['request', 'response'] as const).flatMap((side) =>
    headers[side] ? [['headers', `${side}: ${writtenLine(headers[side])}`]] : [],
  );
}

function targetText({ service, subset, share, members }: TriedTarget): string {
  const who = subset === '' ? service : `${service} with ${subset}`;
  const many =
    members === null ? 'members not known' : `${members} ${members === 1 ? 'member' : 'members'}`;
  const fallback = members === 0 && subset !== '' ? '; all members stand in' : '';
  return `${writtenShare(share).padStart(5)}  ${who}: ${many}${fallback}`;
}

function triesText(
  { service, policy, resent }: Tries,
  method: string,
  isOneOfSeveral: boolean,
): readonly string[][] {
  const of = isOneOfSeveral ? `${service}: ` : '';
  if (!policy) return [['timeouts', `${of}as the proxy's section of ${service} says`]];
  const { attempts = 0, on = [], budget } = policy.retries ?? {};
  const times = Object.entries(policy.timeouts ?? {}).map(
    ([word, time]) => `${word} ${String(writtenWord(word, time))}`,
  );
  const again = resent
    ? `${method} may be sent again${budget === undefined ? '' : `, while retries are at most ${writtenShare(budget)} of requests or 3/s`}`
    : `${method} is not sent a second time: only what never reached a member is tried again`;
  return [
    ['timeouts', `${of}${times.join(', ')}`],
    ['retries', attempts === 0 ? `${of}none` : `${of}${attempts} on ${on.join(', ')}; ${again}`],
  ];
}

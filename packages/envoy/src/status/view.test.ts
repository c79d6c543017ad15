import { describe, expect, test } from 'vitest';

import { meaningOf, states } from './states.ts';
import { view } from './view.ts';

const server = (state: string) => ({ name: '10.0.0.1:80', address: '10.0.0.1:80', state });
const seen = (status: string, reason = '') => ({
  ...server(''),
  status,
  since: 5000,
  reason,
});

test('a member goes by the name that its server has in HAProxy', () => {
  expect(view.serverName({ host: '10.0.0.1', port: 80, name: 'web-1' })).toBe('web-1_10.0.0.1:80');
  expect(view.serverName({ host: '10.0.0.1', port: 80 })).toBe('10.0.0.1:80');
});

describe('the state of a member', () => {
  test.each([
    ['up', states.healthy],
    ['up', states.degraded],
    ['leaving', states.draining],
    ['down', states.unhealthy],
    ['down', states.ejected],
    ['down', `${states.missing}: refused`],
    ['unknown', `${states.unknown}: envoy does not answer`],
  ])('means %s where it is %s', (meaning, state) => {
    expect(meaningOf(state)).toBe(meaning);
  });

  test.each([
    ['one that Envoy has', server('healthy'), undefined, { state: 'healthy', tone: 'good' }],
    [
      'what Envoy says just now',
      server('healthy'),
      seen('UNHEALTHY', 'its check failed'),
      { state: 'unhealthy', tone: 'bad', since: 5000, reason: 'its check failed' },
    ],
    [
      'one of the second choice',
      server('healthy'),
      seen('DEGRADED'),
      { state: 'degraded', tone: 'warn' },
    ],
    ['one that leaves', server('draining'), seen('healthy'), { state: 'draining', tone: 'idle' }],
    [
      'one that was never sent',
      undefined,
      undefined,
      { state: 'not in the proxy', tone: 'warn', reason: 'Envoy has not confirmed it yet' },
    ],
    [
      'one whose resources were refused',
      server('not in envoy: refused: no such: thing'),
      undefined,
      { state: 'not in the proxy', tone: 'warn', reason: 'refused: no such: thing' },
    ],
  ])('of %s', (_, shown, measured, expected) => {
    expect(view.stateOf(shown, measured)).toMatchObject(expected);
  });

  test('of an ejected one says why, since when and until when', () => {
    const ejected = { since: 1000, why: '5 answers of 5xx in a row', back: 31_000, time: 30_000 };
    const state = {
      state: 'ejected',
      tone: 'bad',
      since: 1000,
      until: 31_000,
      reason: ejected.why,
    };
    expect(view.stateOf(server('healthy'), { ...seen('healthy'), ejected })).toEqual(state);
    const shown = {
      since: '1970-01-01T00:00:01.000Z',
      why: ejected.why,
      back: '1970-01-01T00:00:31.000Z',
    };
    expect(view.stateOf({ ...server('ejected'), ejected: shown }, undefined)).toEqual(state);
  });
});

describe('explain says what Envoy makes of a member', () => {
  const known = { own: { disabled: false }, status: {}, ejected: undefined, refused: undefined };
  const refused = { owner: 'web', reason: 'bad regex', since: '', lastGood: false };

  test.each([
    [{ state: 'healthy' }, 'in the proxy: healthy'],
    [{ state: 'not in envoy: sent just now' }, 'not in the proxy yet: sent just now'],
    [
      {
        state: 'ejected',
        ejected: { since: 'A', why: '5 errors', back: 'B' },
      },
      'in the proxy: ejected by outlier detection since A until B: 5 errors',
    ],
    [
      { state: undefined, refused },
      'not in the proxy: Envoy refused the resources of this service: bad regex',
    ],
    [
      { state: undefined, status: { mode: 'none', why: 'envoy is false' } },
      'not proxied: envoy is false',
    ],
    [{ state: undefined, own: undefined }, 'not proxied: the service is not served by envoy'],
    [{ state: undefined, own: { disabled: true } }, 'not proxied: envoy.disabled is true'],
    [
      { state: undefined, status: { trouble: 'it does not run' } },
      'not in the proxy: it does not run',
    ],
    [{ state: undefined }, 'not in the proxy yet'],
  ])('%j', (member, why) => {
    expect(view.explain({ ...known, ...member })).toEqual({ served: true, why });
  });
});

test('the page has what Envoy is, and whether it has what is served', () => {
  expect(view.facts({ mode: 'none' })).toEqual([['Envoy', 'none is asked for', 'good']]);
  expect(view.facts({ mode: 'managed' })).toEqual([
    ['Envoy', 'does not answer yet', 'warn'],
    ['its resources', 'not served yet', 'warn'],
  ]);
  const status = { mode: 'managed', version: '1.40.0', resources: 'in step' };
  expect(view.facts(status)).toEqual([
    ['Envoy', '1.40.0, managed', 'good'],
    ['its resources', 'in step', 'good'],
  ]);
});

test('a service is reached at its listener, or at no address', () => {
  const own = { disabled: false, port: 3213 };
  expect(view.placeOf(own, undefined)).toBe('127.0.0.1:3213');
  expect(view.placeOf({ disabled: false }, undefined)).toBe('its cluster only');
  expect(view.placeOf(undefined, undefined)).toBeUndefined();
});

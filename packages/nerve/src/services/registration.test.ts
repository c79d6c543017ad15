import { createMetrics } from '@smartstack/daemon';
import { expect, test } from 'vitest';

import { createMeasures } from '../metrics/metrics.ts';
import { createRegistration } from './registration.ts';

const web = { host: '127.0.0.1', port: 80, name: 'a', weight: 1 };

function start() {
  let announced = 0;
  const measures = createMeasures(createMetrics()).of('web').at(undefined);
  const registration = createRegistration(measures, () => {
    announced += 1;
  });
  return { registration, events: registration.events, announced: () => announced };
}

test('nothing is in the registry at first, which is confirmed where nothing is desired', () => {
  const { registration } = start();
  const nothing = { announced: false, may_stand: false };
  expect(registration.status(undefined)).toEqual({ ...nothing, confirmed: true });
  expect(registration.status(web)).toEqual({ ...nothing, confirmed: false });
  expect(registration.confirmed()).toBeUndefined();
});

test('a record may be there from the first attempt on, and until it is gone', () => {
  const { registration, events, announced } = start();
  events.onBegin();
  expect(registration.status(web)).toEqual({ announced: false, may_stand: true, confirmed: false });
  events.onConfirmed(web);
  events.onAnnounced(1);
  expect(announced()).toBe(1);
  expect(registration.status(web)).toEqual({ announced: true, may_stand: true, confirmed: true });
  events.onWithdrawn();
  expect(registration.status(undefined).confirmed).toBe(false);
  events.onGone();
  expect(registration.status(undefined)).toEqual({
    announced: false,
    may_stand: false,
    confirmed: true,
  });
});

test('a change that failed is not confirmed, nor is what was there before it', () => {
  const { registration, events } = start();
  events.onBegin();
  events.onConfirmed(web);
  events.onAnnounced(1);
  const heavier = { ...web, weight: 2 };
  expect(registration.status(heavier).confirmed).toBe(false);
  events.onTrouble('no answer');
  expect(registration.status(web)).toMatchObject({ confirmed: false, trouble: 'no answer' });
  expect(registration.confirmed()).toEqual(web);
  events.onConfirmed(heavier);
  events.onTrouble(undefined);
  expect(registration.status(heavier)).toEqual({
    announced: true,
    may_stand: true,
    confirmed: true,
  });
});

import { expect, test } from 'vitest';

import { sectionsOf } from './listen.ts';

test.each([
  ['mode http', true, true],
  ['option httpchk GET /health', false, true],
  ['no option httpchk', false, true],
  ['http-check expect string OK', false, true],
  ['bind *:80', true, false],
  ['timeout client 5s', true, false],
  ['timeout server 5s', false, true],
  ['balance leastconn', false, true],
  ['tcp-request connection reject', true, false],
  ['tcp-request content accept', true, true],
  ['stats enable', true, true],
  ['acl a src 1.2.3.4', true, true],
  ['a keyword of a newer HAProxy', true, true],
])('of a listen list, %j goes to the frontend: %j, the backend: %j', (line, frontend, backend) => {
  expect(sectionsOf(line)).toEqual({ frontend, backend });
});

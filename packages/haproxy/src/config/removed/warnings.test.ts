import { parseSource } from '@smartstack/daemon';
import { expect, test } from 'vitest';

import { removedLineWarnings } from './warnings.ts';

test('every line whose keyword HAProxy removed is a warning at its place, with the line that runs', () => {
  const yaml = `haproxy:
  defaults: [mode http, option forceclose]
  shared_frontend: ["reqpass ^X:"]
  extra_sections:
    listen admin: |
      mode http
      no option http-tunnel
    peers all: [block if a]
services:
  web:
    haproxy:
      backend:
        - "reqidel ^X-Mode:.*"
        - reqtarpit . if held
`;
  expect(removedLineWarnings(parseSource('s.yaml', yaml))).toEqual([
    's.yaml:2:25: haproxy.defaults[1]: HAProxy removed "option forceclose"; it runs as "option httpclose"',
    's.yaml:3:21: haproxy.shared_frontend[0]: HAProxy removed "reqpass ^X:", refuses it, and has no line that means exactly the same; give the http-request rules that are not to apply a condition',
    's.yaml:5:5: haproxy.extra_sections.listen admin: HAProxy removed "no option http-tunnel", which has no effect any more; it is left out',
    's.yaml:13:11: services.web.haproxy.backend[0]: HAProxy removed "reqidel ^X-Mode:.*"; it runs as "http-request del-header X-Mode"',
    's.yaml:14:11: services.web.haproxy.backend[1]: HAProxy removed "reqtarpit . if held"; it runs as "http-request tarpit if held"',
  ]);
});

test('a configuration of any other form has none', () => {
  for (const text of [
    '',
    '5',
    'services: 5',
    'haproxy: {extra_sections: []}',
    'services: {web: {haproxy: {listen: {}}}}',
  ])
    expect(removedLineWarnings(parseSource('s.yaml', text))).toEqual([]);
});

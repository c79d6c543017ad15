/** The words of a policy's log for why a request or connection ended, as HAProxy's, by what Envoy says of it. */
type Words = readonly (readonly [condition: string, word: string])[];

/** A choice as an expression (CEL), in which the first condition that holds counts. */
const choice = (words: Words, other: string) =>
  `%CEL(${words.map(([condition, word]) => `${condition} ? '${word}' : `).join('')}'${other}')%`;

const is = (...details: readonly string[]) =>
  details.map((each) => `response.code_details == '${each}'`).join(' || ');
const begins = (text: string) => `response.code_details.startsWith('${text}')`;
const has = (...texts: readonly string[]) =>
  texts.map((text) => `response.code_details.contains('${text}')`).join(' || ');

/** Whether Envoy set a flag, by its bit. */
const flag = (bit: number) => `(response.flags / ${2 ** bit}) % 2 == 1`;

/** Why a request ended. */
export const httpReason = choice(
  [
    [is('via_upstream'), 'answered'],
    [is('local_rate_limited'), 'rate_limit'],
    [is('fault_filter_abort'), 'fault'],
    [`${is('direct_response')} && response.code >= 300 && response.code < 400`, 'redirect'],
    [is('direct_response'), 'respond'],
    [is('no_healthy_upstream'), 'no_member_up'],
    [has('{overflow', '_overflow'), 'limit'],
    [has('connection_failure', 'connection_timeout'), 'member_refused'],
    [has('upstream_response_timeout', 'upstream_per_try', 'response_timeout'), 'member_too_slow'],
    [begins('upstream_reset'), 'member_broke_off'],
    [begins('downstream_'), 'client_left'],
    [has('request_header_timeout', 'idle_timeout', 'request_overall_timeout'), 'client_too_slow'],
    [begins('http1.'), 'bad_request'],
  ],
  'refused',
);

/** Why a connection ended; of one that carried nothing for too long, or whose client left, Envoy tells these expressions nothing. */
export const tcpReason = choice(
  [
    [flag(1), 'no_member_up'],
    [flag(7), 'limit'],
    [flag(5), 'member_refused'],
    [`${flag(4)} || ${flag(6)}`, 'member_broke_off'],
  ],
  'done',
);

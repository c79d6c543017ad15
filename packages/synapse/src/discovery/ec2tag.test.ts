import type { RequestListener } from 'node:http';

import { createMetrics, type Log, silentLog } from '@smartstack/daemon';
import { badRecordsOf } from '@smartstack/registry';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startServer, type TestServer } from '../../../registry/src/http/server.fixture.ts';
import { loadAws, regionOf } from './aws.ts';
import { collect } from './collect.fixture.ts';
import { ec2tag, followTag } from './ec2tag.ts';

const machine = (name: string, address = '') =>
  `<item><instanceId>i-${name}</instanceId><privateDnsName>${name}</privateDnsName>${
    address && `<privateIpAddress>${address}</privateIpAddress>`
  }</item>`;

/** A page of EC2's answer to DescribeInstances, API version 2016-11-15. */
const page = (machines: readonly string[], token = '') =>
  `<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>1</requestId><reservationSet>${machines
    .map((each) => `<item><instancesSet>${each}</instancesSet></item>`)
    .join(
      '',
    )}</reservationSet>${token && `<nextToken>${token}</nextToken>`}</DescribeInstancesResponse>`;

const failure = (code: string, message: string) =>
  `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>1</RequestID></Response>`;

type Answer = string | RequestListener;

let server: TestServer;
/** What is answered next; the last stays. */
let answers: Answer[];
/** What was asked, as the query API has it. */
let queries: Readonly<Record<string, string>>[];
let authorization: string | undefined;
const warn = vi.fn<Log['warn']>();

async function serve(...[request, response]: Parameters<RequestListener>): Promise<void> {
  let body = '';
  for await (const part of request.setEncoding('utf8')) body += part;
  queries.push(Object.fromEntries(new URLSearchParams(body)));
  authorization = request.headers.authorization;
  const next = (answers.length > 1 ? answers.shift() : answers[0]) ?? '';
  if (typeof next === 'string') response.setHeader('content-type', 'text/xml').end(next);
  else next(request, response);
}

beforeEach(async () => {
  queries = [];
  warn.mockClear();
  server = await startServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  vi.stubEnv('AWS_ENDPOINT_URL_EC2', server.url);
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
});

function follow(given: readonly Answer[], timeout?: number) {
  answers = [...given];
  const config = ec2tag.schema.parse({
    method: 'ec2tag',
    tag_name: 'role',
    tag_value: 'web',
    aws_region: 'eu-west-1',
    aws_access_key_id: 'key',
    aws_secret_access_key: 'secret',
    check_interval: 0.02,
  });
  return collect(
    followTag(
      config,
      { log: { ...silentLog, warn }, metrics: createMetrics(), port: 80 },
      loadAws,
      timeout,
    ),
  );
}

test('running instances with the tag are members, from every page', async () => {
  const found = follow([
    page([machine('b', '10.0.0.2'), machine('gone')], 'more'),
    page([machine('a', '10.0.0.1')]),
  ]);
  await vi.waitFor(
    () =>
      expect(found.lists[0]).toEqual([
        { name: 'a', host: '10.0.0.1', port: 80 },
        { name: 'b', host: '10.0.0.2', port: 80 },
      ]),
    // The SDK is large.
    10_000,
  );
  const asked = {
    Action: 'DescribeInstances',
    'Filter.1.Name': 'tag:role',
    'Filter.1.Value.1': 'web',
    'Filter.2.Name': 'instance-state-name',
    'Filter.2.Value.1': 'running',
  };
  expect(queries[0]).toMatchObject(asked);
  expect(queries[1]).toMatchObject({ ...asked, NextToken: 'more' });
  expect(authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=key\/\d+\/eu-west-1\/ec2\//);
});

test.each<[string, RequestListener, RegExp, timeout?: number]>([
  [
    'throttling',
    (_, r) => r.writeHead(503).end(failure('RequestLimitExceeded', 'Request limit exceeded.')),
    /Request limit exceeded/,
  ],
  ['a 500', (_, r) => r.writeHead(500).end(), /./],
  ['a redirect', (_, r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), /./],
  ['no XML', (_, r) => r.end('{"a":'), /./],
  [
    'a body that is cut off',
    (_, r) => {
      r.writeHead(200, { 'content-length': '1000' });
      r.write(page([machine('x', '10.0.0.9')]), () => r.destroy());
    },
    /aborted|ECONNRESET/,
  ],
  ['no answer', () => {}, /^cannot ask @aws-sdk\/client-ec2: no whole answer in 250 ms$/, 250],
  [
    'a body that does not end',
    (_, r) => void r.writeHead(200, { 'content-length': '1000' }).write('<'),
    /^cannot ask @aws-sdk\/client-ec2: no whole answer in 250 ms$/,
    250,
  ],
])('%s changes nothing, on any page, and is said once', async (_, bad, message, timeout) => {
  const found = follow(
    [
      page([machine('a', '10.0.0.1')]),
      bad,
      page([], 'more'),
      bad,
      page([machine('b', '10.0.0.2')]),
    ],
    timeout,
  );
  await vi.waitFor(() => expect(found.lists).toHaveLength(2), 10_000);
  expect(found.newest()).toEqual(['b 10.0.0.2:80']);
  expect(warn.mock.calls).toEqual([
    [
      { reason: expect.stringMatching(message), fix: expect.stringContaining('it is asked again') },
      'cannot discover; what was known stands',
    ],
  ]);
});

test('an instance of no good address is left out alone, said and counted; one without is usual', async () => {
  const found = follow([page([machine('a', '10.0.0.1'), machine('b', 'a b'), machine('gone')])]);
  await vi.waitFor(() => expect(found.newest()).toEqual(['a 10.0.0.1:80']), 10_000);
  const left = badRecordsOf(found.lists.at(-1) ?? []);
  expect(left).toEqual([
    { id: 'i-b', reason: 'bad host' },
    { id: 'i-gone', reason: 'it has no private address', isUsual: true },
  ]);
  expect(warn).toHaveBeenCalledOnce();
});

test('without a region the key to set is named, and AWS_DEFAULT_REGION is one', async () => {
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  const config = ec2tag.schema.parse({ method: 'ec2tag', tag_name: 'role', tag_value: 'web' });
  collect(
    followTag(
      config,
      { log: { ...silentLog, warn }, metrics: createMetrics(), port: 80 },
      loadAws,
      500,
    ),
  );
  await vi.waitFor(
    () =>
      expect(warn.mock.calls[0]?.[0]).toEqual({
        reason: expect.stringContaining('Region is missing'),
        fix: 'set aws_region, or AWS_REGION in the environment of synapse; EC2 is asked again',
      }),
    10_000,
  );
  vi.stubEnv('AWS_DEFAULT_REGION', 'eu-west-1');
  expect(regionOf(undefined)).toBe('eu-west-1');
});

test('a missing SDK is named with how to install it', async () => {
  await expect(loadAws('@aws-sdk/client-not-there')).rejects.toThrow(
    'cannot load @aws-sdk/client-not-there; install it beside synapse: npm install @aws-sdk/client-not-there',
  );
});

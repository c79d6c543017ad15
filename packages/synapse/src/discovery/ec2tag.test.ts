import { silentLog } from '@smartstack/daemon';
import { expect, test, vi } from 'vitest';

import { type AwsModule, loadAws } from './aws.ts';
import { collect } from './collect.fixture.ts';
import { ec2tag, followTag } from './ec2tag.ts';

const machine = (name: string, address?: string) => ({
  PrivateDnsName: name,
  ...(address && { PrivateIpAddress: address }),
});

/** A whole SDK package that answers with these pages, or fails. */
function sdk(pages: (object | Error)[]) {
  const asked: unknown[] = [];
  const settings: unknown[] = [];
  class EC2Client {
    constructor(given: object) {
      settings.push(given);
    }
    async send(command: { readonly input: object }): Promise<unknown> {
      asked.push(command.input);
      const page = pages.length > 1 ? pages.shift() : pages[0];
      if (page instanceof Error) throw page;
      return page;
    }
  }
  class DescribeInstancesCommand {
    readonly input: object;
    constructor(input: object) {
      this.input = input;
    }
  }
  const load = async () => ({ EC2Client, DescribeInstancesCommand }) as unknown as AwsModule;
  return { asked, settings, load };
}

function follow({ load }: ReturnType<typeof sdk>) {
  const config = ec2tag.schema.parse({
    method: 'ec2tag',
    tag_name: 'role',
    tag_value: 'web',
    aws_region: 'eu-west-1',
    aws_access_key_id: 'key',
    aws_secret_access_key: 'secret',
    check_interval: 0.02,
  });
  return collect(followTag(config, { log: silentLog, port: 80 }, load));
}

test('running instances with the tag are members, from every page', async () => {
  const aws = sdk([
    {
      Reservations: [{ Instances: [machine('b', '10.0.0.2'), machine('gone')] }],
      NextToken: 'more',
    },
    { Reservations: [{ Instances: [machine('a', '10.0.0.1')] }, {}] },
  ]);
  const found = follow(aws);
  await vi.waitFor(() =>
    expect(found.lists[0]?.map(({ host }) => host)).toEqual(['10.0.0.1', '10.0.0.2']),
  );
  expect(found.lists[0]?.[0]).toEqual({ name: 'a', host: '10.0.0.1', port: 80 });
  const Filters = [
    { Name: 'tag:role', Values: ['web'] },
    { Name: 'instance-state-name', Values: ['running'] },
  ];
  expect(aws.asked.slice(0, 2)).toEqual([{ Filters }, { Filters, NextToken: 'more' }]);
  expect(aws.settings).toEqual([
    { region: 'eu-west-1', credentials: { accessKeyId: 'key', secretAccessKey: 'secret' } },
  ]);
});

test('a failed page changes nothing', async () => {
  const aws = sdk([
    { Reservations: [{ Instances: [machine('a', '10.0.0.1')] }] },
    new Error('throttled'),
    { Reservations: [{ Instances: [] }], NextToken: 'x' },
    new Error('throttled'),
    { Reservations: [] },
  ]);
  const found = follow(aws);
  await vi.waitFor(() => expect(found.lists).toHaveLength(2));
  expect(found.newest()).toEqual([]);
  expect(aws.asked.length).toBeGreaterThanOrEqual(5);
});

test('a missing SDK is named with how to install it', async () => {
  await expect(loadAws('@aws-sdk/client-not-there')).rejects.toThrow(
    'cannot load @aws-sdk/client-not-there; install it beside synapse: npm install @aws-sdk/client-not-there',
  );
});

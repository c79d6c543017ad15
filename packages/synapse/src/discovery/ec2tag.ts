import { duration, type Mechanism } from '@smartstack/daemon';
import {
  type BadRecord,
  badRecordsOf,
  createDecoder,
  type Instance,
  isHost,
  withBadRecords,
} from '@smartstack/registry';
import { z } from 'zod';

import { createAwsCall, isWithoutRegion, type LoadAws, loadAws } from './aws.ts';
import type { Discovery, DiscoveryDeps } from './discovery.ts';
import { polled, recordOf } from './polled.ts';

const environment = 'the environment’s, the profile’s or the machine’s role';
const schema = z
  .strictObject({
    method: z.literal('ec2tag'),
    tag_name: z
      .string()
      .min(1)
      .meta({ description: 'the tag', examples: ['role'] }),
    tag_value: z
      .string()
      .min(1)
      .meta({ description: 'its value', examples: ['web'] }),
    aws_region: z
      .string()
      .optional()
      .meta({ description: 'where', otherwise: environment, examples: ['eu-central-1'] }),
    aws_access_key_id: z
      .string()
      .optional()
      .meta({ description: 'who asks', otherwise: environment, examples: ['AKIA…'] }),
    aws_secret_access_key: z
      .string()
      .optional()
      .meta({ description: 'their secret', otherwise: environment, examples: ['…'] }),
    check_interval: duration
      .prefault(15)
      .meta({ description: 'how often EC2 is asked', examples: ['1m'] }),
  })
  .meta({
    description:
      'running EC2 instances with a tag, at their private addresses; needs `backend_port_override` and `npm install @aws-sdk/client-ec2`',
  });

/** Asks EC2 for the running instances with a tag; they are reached at their private addresses. */
export const ec2tag: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'ec2tag',
  schema,
  create: (config, deps) => followTag(config, deps, loadAws),
};

type Config = z.output<typeof schema>;

/** The discovery by a tag, with the SDK that `load` gives. */
export function followTag(
  config: Config,
  { log, metrics, port, onTrouble }: Pick<DiscoveryDeps, 'log' | 'metrics' | 'port' | 'onTrouble'>,
  load: LoadAws,
  timeout?: number,
): Discovery {
  if (port === undefined) throw new Error('cannot follow a tag without backend_port_override');
  const describe = createDescribe(config, load, timeout);
  const source = `ec2tag ${config.tag_name}=${config.tag_value}`;
  const decode = createDecoder(source, { log, metrics }, (id, data) => readMachine(id, data, port));
  const ask = async (signal: AbortSignal): Promise<readonly Instance[]> => {
    const instances = decode((await describe(signal)).map(recordOf));
    const sorted = instances.toSorted((a, b) => (a.host < b.host ? -1 : 1));
    return withBadRecords(sorted, badRecordsOf(instances));
  };
  const fixFor = (error: unknown) =>
    isWithoutRegion(error)
      ? 'set aws_region, or AWS_REGION in the environment of synapse; EC2 is asked again'
      : undefined;
  return polled({ ask, interval: config.check_interval, fixFor, onTrouble, log });
}

/** A function that asks EC2 for all running instances with the tag, page by page. */
function createDescribe(config: Config, load: LoadAws, timeout: number | undefined) {
  const { aws_region: region, aws_access_key_id: accessKeyId } = config;
  const settings = { timeout, region, accessKeyId, secretAccessKey: config.aws_secret_access_key };
  const describe = createAwsCall(load, describeInstances, settings);
  const Filters = [
    { Name: `tag:${config.tag_name}`, Values: [config.tag_value] },
    { Name: 'instance-state-name', Values: ['running'] },
  ];
  return async (signal: AbortSignal): Promise<readonly unknown[]> => {
    const machines: unknown[] = [];
    let token: string | undefined;
    do {
      const page = await describe(
        { Filters, ...(token !== undefined && { NextToken: token }) },
        signal,
      );
      machines.push(...page.Reservations.flatMap(({ Instances }) => Instances));
      token = page.NextToken || undefined;
    } while (token !== undefined);
    return machines;
  };
}

const describeInstances = {
  name: '@aws-sdk/client-ec2',
  client: 'EC2Client',
  command: 'DescribeInstancesCommand',
  read: (page: unknown) => answer.parse(page, { error: () => 'not what EC2 answers' }),
};

const none = <S extends z.ZodType>(schema: S) =>
  z
    .array(schema)
    .nullish()
    .transform((list) => list ?? []);
const machine = z.object({
  PrivateDnsName: z.string().nullish(),
  PrivateIpAddress: z.string().nullish(),
});
const answer = z.object({
  Reservations: none(z.object({ Instances: none(z.unknown()) })),
  NextToken: z.string().nullish(),
});

/** An instance without an address is no member; a malformed one is left out alone. */
function readMachine(id: string, data: Buffer, port: number): Instance | BadRecord {
  const read = machine.safeParse(JSON.parse(data.toString() || 'null'));
  if (!read.success) return { id, reason: 'not an instance of EC2' };
  const { PrivateDnsName: name, PrivateIpAddress: host } = read.data;
  if (!host) return { id, reason: 'it has no private address', isUsual: true };
  if (!isHost(host)) return { id, reason: 'bad host' };
  return { host, port, ...(name && { name }) };
}

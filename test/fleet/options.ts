import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

import { hard, soft } from './faults.ts';

const faults = { ...hard, ...soft };

export interface Options {
  readonly vms: number;
  /** How long faults are injected. */
  readonly seconds: number;
  /** What all choices follow from: the same seed, the same faults. */
  readonly seed: number;
  /** Requests a second that each VM sends. */
  readonly rate: number;
  /** The one fault to inject, to look at it closely. */
  readonly only: string | undefined;
}

export const usage = `usage: npm run fleet [-- OPTIONS]

Starts VMs on this machine, each a network namespace with its own address, nerve,
synapse, HAProxy and two services, beside a ZooKeeper ensemble of three more. All
services call each other while services, nerves, synapses and ZooKeeper servers are
restarted, killed and cut off at random. Exits with 1 when a request was lost that
no fault explains, when a proxy does not get back in step, or a daemon ends by itself.

  --vms N       how many VMs (20; at least 4)
  --seconds N   for how long (300)
  --seed N      the seed of an earlier run, for the same faults again
  --only FAULT  this one fault alone, such as 'nerve killed'
  --rate N      requests a second that each VM sends (100 / VMs, from 4 to 20)
`;

/** Parses the command line; undefined when it asks for help, and throws on what it cannot be. */
export function readOptions(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      vms: text,
      seconds: text,
      seed: text,
      rate: text,
      only: text,
      help: { type: 'boolean' },
    },
  });
  if (values.help) return undefined;
  const vms = whole('vms', values.vms ?? '20', 4, 60);
  return {
    vms,
    seconds: whole('seconds', values.seconds ?? '300', 10, 86_400),
    seed: whole('seed', values.seed ?? `${randomInt(1_000_000)}`, 0, 2 ** 32 - 1),
    only: fault(values.only),
    rate: whole('rate', values.rate ?? `${clamp(Math.round(100 / vms), 4, 20)}`, 1, 100),
  };
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`cannot use --${name} ${text}: expected a number from ${least} to ${most}`);
}

function fault(name: string | undefined): string | undefined {
  if (name === undefined || name in faults) return name;
  const names = Object.keys(faults).join(', ');
  throw new Error(`cannot inject ${name}: there is no such fault; there are ${names}`);
}

const clamp = (value: number, least: number, most: number) =>
  Math.min(most, Math.max(least, value));

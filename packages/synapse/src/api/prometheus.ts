import { isIPv6 } from 'node:net';

import type { Instance } from '@smartstack/registry';

import type { Entry } from './catalog.ts';

/** One member as Prometheus' `http_sd_configs` reads it. */
export interface Target {
  readonly targets: readonly [string];
  readonly labels: Readonly<Record<string, string>>;
}

/** What is known of a member besides its record. */
export interface MemberHealth {
  /** Its state in the proxy, such as `up`; undefined where no proxy serves it. */
  stateOf(service: string, member: Instance): string | undefined;
}

/**
 * The members of services as targets, in the form that Prometheus' HTTP service discovery asks for
 * (https://prometheus.io/docs/prometheus/latest/http_sd/). A member on a UNIX socket is none.
 */
export function targetsOf(entries: Iterable<Entry>, { stateOf }: MemberHealth): readonly Target[] {
  return [...entries].flatMap(({ name, stale, members }) =>
    members.flatMap((member): readonly Target[] => {
      if (typeof member.port === 'string') return [];
      const { host, port, labels = {}, weight } = member;
      const meta: Record<string, string> = {
        service: name,
        name: member.name ?? '',
        host,
        port: String(port),
        health: stateOf(name, member) ?? 'unknown',
        stale: String(stale),
        ...(weight !== undefined && { weight: String(weight) }),
        ...(labels.zone !== undefined && { zone: labels.zone }),
      };
      for (const [label, value] of Object.entries(labels)) meta[`label_${safe(label)}`] = value;
      return [
        {
          targets: [`${isIPv6(host) ? `[${host}]` : host}:${port}`],
          labels: Object.fromEntries(
            Object.entries(meta).map(([key, value]) => [`__meta_smartstack_${key}`, value]),
          ),
        },
      ];
    }),
  );
}

/** A label's name of the characters that Prometheus has in names, as its own discoveries make them. */
const safe = (label: string) => label.replace(/[^A-Za-z0-9_]/g, '_');

import { createAdmin } from '../../packages/envoy/src/admin/client.ts';
import type { Subject } from './subject.fixture.ts';
import type { World } from './world.fixture.ts';

/** What changes without a reload. */
export type What = 'split' | 'abort' | 'limit';

/** HAProxy's map of it. */
export const mapFile = ({ scratch }: World) => scratch.path('run', 'haproxy.cfg.policy.map');

/**
 * What a proxy has in force for a route of the service `web`, in its own words; undefined where it has nothing. Of Envoy
 * weights (`90:10:0`), a share in millionths, the size of a bucket.
 */
export async function valueIn(
  world: World,
  { proxy }: Pick<Subject, 'proxy'>,
  route: string,
  what: What,
): Promise<string | undefined> {
  if (proxy === 'haproxy') {
    const text = await world.haproxy.ask(`show map ${mapFile(world)}`);
    return new RegExp(`web/${route}/${what} (\\S+)`).exec(text)?.[1];
  }
  const admin = createAdmin({ path: world.scratch.path('envoy', 'envoy-admin.sock') });
  const path = '/config_dump?resource=dynamic_route_configs';
  const { configs } = JSON.parse(await admin.get(path, AbortSignal.timeout(5_000))) as Dump;
  const [host] = configs.flatMap(({ route_config: { virtual_hosts: hosts } }) => hosts);
  const own = host?.routes.find(({ name }) => name === route);
  return {
    split: () =>
      own?.route?.weighted_clusters?.clusters.map(({ weight }) => weight).join(':') ??
      own?.route?.cluster,
    abort: () => own?.typed_per_filter_config?.[fault]?.abort?.percentage.numerator,
    limit: () =>
      host?.typed_per_filter_config?.[limits]?.descriptors?.find(({ entries }) =>
        entries.some(({ value }) => value === route),
      )?.token_bucket.max_tokens,
  }
    [what]()
    ?.toString();
}

const fault = 'envoy.filters.http.fault';
const limits = 'envoy.filters.http.local_ratelimit';

interface Dump {
  readonly configs: readonly {
    readonly route_config: { readonly virtual_hosts: readonly Host[] };
  }[];
}

interface Host {
  readonly routes: readonly (Filters & {
    readonly name: string;
    readonly route?: {
      readonly cluster?: string;
      readonly weighted_clusters?: { readonly clusters: readonly { readonly weight?: number }[] };
    };
  })[];
  readonly typed_per_filter_config?: Filters['typed_per_filter_config'];
}

interface Filters {
  readonly typed_per_filter_config?: {
    readonly [fault]?: { readonly abort?: { readonly percentage: { readonly numerator: number } } };
    readonly [limits]?: {
      readonly descriptors?: readonly {
        readonly entries: readonly { readonly value?: string }[];
        readonly token_bucket: { readonly max_tokens: number };
      }[];
    };
  };
}

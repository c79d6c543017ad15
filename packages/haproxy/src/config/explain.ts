import { fixedBalance } from '../render/traits.ts';
import { type HaproxyConfig, type HaproxyService, isManaged } from './config.ts';
import { isAsked, isOff, sectionOf } from './section.ts';

/** What is run, in a sentence. */
export function explain(
  key: HaproxyConfig | undefined,
  services: readonly (HaproxyService | undefined)[],
): string {
  if (isOff(key))
    return 'No HAProxy is run or touched: haproxy is false, or all of its do_ keys are.';
  if (!key && !isAsked(services))
    return 'No HAProxy is run: there is no haproxy section, and no service has one.';
  const haproxy = sectionOf(key);
  if (!haproxy || isManaged(haproxy))
    return `synapse runs an HAProxy of its own, ${haproxy?.on_exit === 'stop' ? 'which ends with it' : 'which outlives it'}; its stats are ${haproxy?.stats_address === false ? 'served nowhere' : `at http://${haproxy?.stats_address ?? '127.0.0.1:9101'}/`}.`;
  const { do_writes, config_file_path, do_socket, socket_file_path, do_reloads } = haproxy;
  const parts = [
    ...(do_writes ? [`writes ${config_file_path}`] : []),
    ...(do_socket ? [`speaks to ${[socket_file_path].flat().join(', ')}`] : []),
    ...(do_reloads
      ? [
          `runs \`${haproxy.reload_command}\` where a change needs a reload, at most every ${seconds(haproxy.restart_interval)}`,
        ]
      : []),
  ];
  return `HAProxy is run by somebody else: synapse ${parts.join(', ')}.`;
}

/** How apps reach a service, in a sentence. */
export function explainService(
  proxy: HaproxyService | undefined,
  key: HaproxyConfig | undefined,
): string {
  const top = sectionOf(key);
  if (!proxy || isOff(key)) return 'is not proxied: apps ask for its members at /v1';
  if (proxy.disabled) return 'is left out of HAProxy (disabled)';
  if (proxy.port === undefined) return 'is a backend of HAProxy without a port of its own';
  const address = proxy.bind_address ?? top?.bind_address ?? 'localhost';
  const where = proxy.port === null ? address : `${address}:${proxy.port}`;
  const drain = proxy.drain_timeout ?? top?.drain_timeout ?? 10_000;
  const fixed = fixedBalance(
    [...(proxy.listen ?? []), ...(proxy.backend ?? [])],
    top?.defaults ?? [],
  );
  const reloads = fixed
    ? `; a new member or another weight needs a reload (${fixed.balance}${fixed.unless})`
    : '';
  return `is reached by apps at ${where}; a member that leaves has ${seconds(drain)} to finish${reloads}`;
}

const seconds = (milliseconds: number) => `${milliseconds / 1000} s`;

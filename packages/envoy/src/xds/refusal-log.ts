import type { Log } from '@smartstack/daemon';
import type { Rejection } from './protocol/contract.ts';
import { clientOf, type Stream } from './transport/stream.ts';

/** So many refusals are remembered as logged. */
const most = 10_000;

/** Logs the refusal of a resource once, however many subscribers refuse it. */
export function createRefusalLog(log: Log): (rejection: Rejection, stream: Stream) => void {
  const logged = new Set<string>();
  return ({ type, name, version, service, reason, hasEarlier }, stream) => {
    const key = [type, name, version].join('\0');
    if (logged.has(key)) return;
    if (logged.size >= most) logged.clear();
    logged.add(key);
    log.warn(
      { ...clientOf(stream), type, resource: name, service, reason, lastGoodServes: hasEarlier },
      'subscriber refused a resource',
    );
  };
}

import type { Log } from '@smartstack/daemon';

import type { DesireOptions } from './desire.ts';

/** Says in the log what was left out of what users and members asked for. */
export function noticesTo(log: Log): Pick<DesireOptions, 'onRefused' | 'onIgnored'> {
  return {
    onRefused: (service, refusal) =>
      log.warn(
        {
          service,
          ...refusal,
          fix: 'set them as server_options, or allow them with registry_server_options',
        },
        'options of a member were left out: not allowed',
      ),
    onIgnored: (service, lines) =>
      log.warn(
        {
          service,
          lines,
          fix: 'add shared_frontend to the haproxy section, or take the lines out',
        },
        'lines were left out: there is no shared_frontend at the top',
      ),
  };
}

import type { Log } from '@smartstack/daemon';

import type { Refusal } from '../render/server.ts';
import type { DesireOptions } from './desired.ts';

/** Logs lines of users and options of members that were left out. */
export function noticesTo(log: Log): Pick<DesireOptions, 'onRefused' | 'onIgnored'> {
  return {
    onRefused: (service, refusal) =>
      log.warn({ service, ...refusal, fix: fixOf(refusal) }, 'options of a member were left out'),
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

function fixOf({ options }: Refusal): string {
  const allow =
    'set what is not allowed as server_options, or allow it with registry_server_options';
  const correct =
    'correct haproxy_server_options where the member is announced; of templates, %{host}, %{port} and %{name} are filled in';
  return [
    ...(options.some(({ reason }) => reason === 'not allowed') ? [allow] : []),
    ...(options.some(({ reason }) => reason !== 'not allowed') ? [correct] : []),
  ].join('; ');
}

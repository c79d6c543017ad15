import type { Log } from '@smartstack/daemon';

import type { Step } from './command.ts';

/** A command that HAProxy refused, and its reply. */
export interface RefusedCommand {
  readonly service: string;
  readonly step: Step;
  readonly reply: string;
}

/**
 * Logs refused commands, the first of each service. The same refusal is logged again only after the service
 * was in step once.
 */
export function createRefusedCommands(log: Log) {
  let logged = new Map<string, string>();
  return (services: readonly string[], refused: readonly RefusedCommand[]): void => {
    const now = new Map<string, string>();
    for (const { service, step, reply } of refused) {
      const text = `${step.kind} ${step.server} ${reply}`;
      if (now.has(service)) continue;
      now.set(service, text);
      if (logged.get(service) === text) continue;
      const { kind, server } = step;
      log.warn(
        { service, server, step: kind, reply, fix: fixOf(reply) },
        'haproxy refused a command',
      );
    }
    for (const service of services) logged.delete(service);
    logged = new Map([...logged, ...now]);
  };
}

function fixOf(reply: string): string {
  return /permission denied/i.test(reply)
    ? 'the file is loaded instead; give the stats socket `level admin` to change members without a reload'
    : 'the file is loaded instead';
}

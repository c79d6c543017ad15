import { createDeadline, orExit, printable, UserError } from '@smartstack/daemon';
import type { Command } from 'commander';

import { type LoadedConfig, loadConfig } from '../../config/config.ts';
import { lookAtPolicy, noPolicyText, type PolicyLook } from './look.ts';
import { parseRequest } from './request.ts';
import { policyText, shownPolicy } from './show.ts';
import { tryRequest } from './try.ts';
import { triedText } from './try-text.ts';

const exits = '\nExits with 0, or 1 when that cannot be determined.';

/** Adds the commands that say what a service's policy is; `fileOrExit` names the configuration. */
export function addPolicyCommands(program: Command, fileOrExit: () => string): void {
  const policy = program
    .command('policy')
    .summary('say what happens to traffic')
    .description('Say what happens to the traffic of a service, from the configuration file.')
    .addHelpText('after', exits)
    .helpCommand(false);
  policy
    .command('show <service>')
    .summary('print its policy, and what the proxy makes of it')
    .description(
      'Print the policy in force for a service, where each word comes from, and what\nthe proxy makes of it.',
    )
    .option('--json', 'as JSON')
    .addHelpText('after', exits)
    .action(async (service: string, options: { readonly json?: boolean }) => {
      const look = await lookOrExit(service, fileOrExit());
      const shown = await shownPolicy(look);
      say(options.json ? json(shown) : policyText(shown, look));
    });
  policy
    .command('try <service>')
    .summary('say what a request would get')
    .description('Say which route, members and retries a request would get, without sending it.')
    .requiredOption('-r, --request <text>', "such as 'GET /v2?x=1 x-canary:true'")
    .option('--json', 'as JSON')
    .addHelpText('after', exits)
    .action(
      async (service: string, options: { readonly request: string; readonly json?: boolean }) => {
        const request = await orExit(attempt(() => parseRequest(options.request)));
        const look = await lookOrExit(service, fileOrExit());
        const inForce = look.service.policy?.policy;
        if (!inForce) return say(noPolicyText(look));
        if (look.protocol === 'tcp') await orExit(attempt(() => refuseTcp(service)));
        const tried = tryRequest(look, inForce, request);
        say(options.json ? json(tried) : triedText(tried));
      },
    );
}

async function lookOrExit(service: string, file: string): Promise<PolicyLook> {
  const loaded: LoadedConfig = await orExit(loadConfig(file));
  using deadline = createDeadline(60_000);
  const look = await orExit(lookAtPolicy(loaded, service, deadline.signal));
  process.stderr.write(look.complaints.map((line) => `synapse: ${line}\n`).join(''));
  return look;
}

function refuseTcp(service: string): never {
  throw new UserError(
    `${service} is tcp: there are connections and no requests; policy show says what happens to them`,
  );
}

const attempt = async <T>(work: () => T): Promise<T> => work();

function say(text: string): void {
  process.stdout.write(printable(text));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

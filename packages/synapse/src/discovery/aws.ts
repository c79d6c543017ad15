import { createDeadline, UserError } from '@smartstack/daemon';

/** The parts of AWS' SDK v3 that are used here: it is an optional dependency, loaded only where configured. */
export interface AwsClient {
  send(command: unknown, options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
}
type ClientConstructor = new (settings: object) => AwsClient;
type CommandConstructor = new (input: object) => unknown;
export type AwsModule = Readonly<Record<string, ClientConstructor & CommandConstructor>>;

export interface AwsSettings {
  readonly region?: string | undefined;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
}

export type LoadAws = (name: string) => Promise<AwsModule>;

/** Loads one of the SDK's packages; says how to install it where it is not there. */
export const loadAws: LoadAws = async (name) => {
  try {
    return (await import(name)) as AwsModule;
  } catch (error) {
    throw new UserError(`cannot load ${name}; install it beside synapse: npm install ${name}`, {
      cause: error,
    });
  }
};

/** For one answer, in milliseconds: the SDK has no such limit of its own. */
const timeout = 30_000;

/** A function that sends one kind of command; the client is made on first use. */
export function createAwsCall(
  load: LoadAws,
  {
    name,
    client,
    command,
  }: { readonly name: string; readonly client: string; readonly command: string },
  { region, accessKeyId, secretAccessKey }: AwsSettings,
): (input: object, signal: AbortSignal) => Promise<unknown> {
  const credentials = accessKeyId !== undefined &&
    secretAccessKey !== undefined && { credentials: { accessKeyId, secretAccessKey } };
  let opened:
    | Promise<{ readonly client: AwsClient; readonly Command: CommandConstructor }>
    | undefined;
  const open = async () => {
    const sdk = await load(name);
    const [Client, Command] = [sdk[client], sdk[command]];
    if (!Client || !Command) throw new Error(`${name} has no ${client} or no ${command}`);
    return {
      client: new Client({ ...(region !== undefined && { region }), ...credentials }),
      Command,
    };
  };
  return async (input, signal) => {
    opened ??= open();
    const { client: sender, Command } = await opened.catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    using deadline = createDeadline(timeout, signal);
    return await sender.send(new Command(input), { abortSignal: deadline.signal });
  };
}

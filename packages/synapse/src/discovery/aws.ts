import { createDeadline, messageOf, UserError } from '@smartstack/daemon';

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
  /** For one whole answer, in milliseconds; default 30,000. */
  readonly timeout?: number | undefined;
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

/** One kind of command of one of the SDK's packages. */
export interface AwsCommand<T> {
  readonly name: string;
  readonly client: string;
  readonly command: string;
  /** Takes what is wanted from an answer, within the same time limit. */
  read(answer: unknown, signal: AbortSignal): T | Promise<T>;
}

/** Whether AWS was not asked because no key, no variable and no profile names a region. */
export const isWithoutRegion = (error: unknown): boolean =>
  /^Region is missing/.test(messageOf(error));

/** The region that a configuration or the environment names, as the original's SDK read it; a profile may name one besides. */
export const regionOf = (written: string | undefined): string | undefined =>
  written || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined;

/** For one whole answer, in milliseconds: the SDK has no such limit of its own. */
const defaultTimeout = 30_000;

interface Opened {
  readonly client: AwsClient;
  readonly Command: CommandConstructor;
}

/** A function that sends one kind of command; the client is made on first use. */
export function createAwsCall<T>(
  load: LoadAws,
  command: AwsCommand<T>,
  settings: AwsSettings,
): (input: object, signal: AbortSignal) => Promise<T> {
  const { timeout = defaultTimeout } = settings;
  let opened: Promise<Opened> | undefined;
  return async (input, signal) => {
    opened ??= open(load, command, settings);
    const { client, Command } = await opened.catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    using deadline = createDeadline(timeout, signal);
    try {
      const answer = await client.send(new Command(input), { abortSignal: deadline.signal });
      return await command.read(answer, deadline.signal);
    } catch (error) {
      if (!deadline.isOver) throw error;
      const why = `no whole answer in ${timeout} ms`;
      throw new Error(`cannot ask ${command.name}: ${why}`, { cause: error });
    }
  };
}

async function open(
  load: LoadAws,
  { name, client, command }: Pick<AwsCommand<unknown>, 'name' | 'client' | 'command'>,
  { region: written, accessKeyId, secretAccessKey }: AwsSettings,
): Promise<Opened> {
  const region = regionOf(written);
  const sdk = await load(name);
  const [Client, Command] = [sdk[client], sdk[command]];
  if (!Client || !Command) throw new Error(`${name} has no ${client} or no ${command}`);
  const credentials = accessKeyId !== undefined &&
    secretAccessKey !== undefined && { credentials: { accessKeyId, secretAccessKey } };
  return {
    client: new Client({ ...(region !== undefined && { region }), ...credentials }),
    Command,
  };
}

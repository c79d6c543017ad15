import type { ConfiguredService } from './service.ts';

/** A file by which applications find synapse themselves, without a proxy. */
export interface ClientFile<Config = unknown, Own = unknown> {
  /** The command that prints it. */
  readonly command: string;
  readonly summary: string;
  readonly description: string;
  /** What it is. Throws a `UserError` where applications could not find synapse by it. */
  of(config: Config | undefined, asked: ClientFileInput<Own>): ClientFileText;
}

export interface ClientFileInput<Own> {
  /** By their names. */
  readonly services: ReadonlyMap<string, ConfiguredService<Own>>;
  /** The only service that it is for; for all of them where it is left out. */
  readonly only: string | undefined;
  /** Whether they are to use a UNIX socket in place of an address. */
  readonly isSocket: boolean;
}

export interface ClientFileText {
  readonly text: string;
  /** What applications do not do as a proxy does, a sentence each. */
  readonly notes: readonly string[];
}

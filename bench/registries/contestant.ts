import type { Instance } from '@smartstack/registry';

/** One registry in the bench, started, with synapse's words for it and its own plainest client. */
export interface Contestant extends AsyncDisposable {
  readonly name: string;
  /** The port of its server, for a relay that counts. */
  readonly port: number;
  /** What synapse's file says: the registry's section and the discovery of the service at `path`, over this port. */
  config(port: number): { readonly top: object; readonly discovery: object };
  /** Announces as nerve does, or as who writes the registry where nerve does not; disposing withdraws it. */
  announce(instance: Instance, signal: AbortSignal): Promise<AsyncDisposable>;
  /**
   * The least that a change takes here: resolves once a record that one plain client writes was told to and read by
   * another. Resolves with what removes it again.
   */
  floor(record: string): Promise<() => Promise<void>>;
}

/** A registry that this machine may be without. */
export type StartContestant = () => Promise<Contestant | undefined>;

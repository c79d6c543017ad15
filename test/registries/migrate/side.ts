import type { Registry } from '@smartstack/registry';

/** One registry of a move: what synapse's file says of it, and a client that announces as nerve does. */
export interface Side extends AsyncDisposable {
  readonly name: string;
  /** The top-level section. */
  readonly top: object;
  /** The discovery of the service at `path`. */
  readonly discovery: object;
  readonly registry: Registry;
  readonly path: string;
}

/** The status of nerve as it comes over the socket, with times as text. */
export interface Status {
  readonly instance_id: string;
  /** Whether a registry does not answer now: what is announced there stays as it is. */
  readonly registry_away: boolean;
  readonly services: Readonly<Record<string, ServiceLine>>;
}

/** What one registry has of a service. */
export interface RegistryLine {
  readonly registry: string;
  readonly path: string;
  readonly announced: boolean;
  /** Whether a record may be there: it has not answered. */
  readonly may_stand: boolean;
  /** Whether it has confirmed the desired state. */
  readonly confirmed: boolean;
  /** Why the pending change fails. */
  readonly trouble?: string;
  /** Whether it does not answer now. */
  readonly away: boolean;
}

export interface ServiceLine {
  readonly state: 'unknown' | 'up' | 'down';
  readonly since: string;
  readonly reason?: string;
  readonly announced: boolean;
  /** Whether a record may be in a registry: it has not answered. */
  readonly may_stand: boolean;
  /** Whether all registries have confirmed the desired state. */
  readonly confirmed: boolean;
  /** Why the pending change fails. */
  readonly trouble?: string;
  /** Each registry by itself. */
  readonly registries?: readonly RegistryLine[];
  readonly because: string;
  readonly until?: string;
  readonly path: string;
  readonly instance: { readonly host: string; readonly port: number; readonly weight?: number };
  readonly downtime?: { readonly reason: string; readonly owner: string };
}

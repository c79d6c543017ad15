import { z } from 'zod';

import { HttpError } from '../http/error.ts';
import { apiVersion, serviceLabel } from './slice.ts';

/** What is asked for: the slices of a namespace or, without one, of the cluster, and of which services. */
export interface Scope {
  readonly namespace: string | undefined;
  /** Undefined for all. */
  readonly services: readonly string[] | undefined;
}

/** The version from which a watch should go on is no longer there, or a list's pages are not: it is listed anew. */
export class Gone extends Error {
  override readonly name = 'Gone';
}

/** What the API server says where it does not do what it was asked for. */
const status = z.object({
  kind: z.literal('Status'),
  code: z.number().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
});

export type Status = z.output<typeof status>;

export function readStatus(object: unknown): Status | undefined {
  const read = status.safeParse(object);
  return read.success ? read.data : undefined;
}

/** The path and query of a request for slices. */
export function slicesPath(
  { namespace, services }: Scope,
  query: Readonly<Record<string, string>>,
): string {
  const folder = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const labelSelector =
    services === undefined ? serviceLabel : `${serviceLabel} in (${services.join(',')})`;
  const parameters = new URLSearchParams({ labelSelector, ...query });
  return `/apis/${apiVersion}${folder}/endpointslices?${parameters}`;
}

/** No longer selector is sent, as a URL writes it: proxies take a line of 8,000 characters, and some no more. */
const longest = 6000;

/** The services as a scope names them; undefined for all, where they are too many to name. */
export function namedServices(services: Iterable<string>): readonly string[] | undefined {
  const names = [...new Set(services)].sort();
  return encodeURIComponent(names.join(',')).length > longest ? undefined : names;
}

/** Where slices are asked for, in words. */
export function shownScope({ namespace }: Pick<Scope, 'namespace'>): string {
  return namespace === undefined ? 'in all namespaces' : `in namespace ${namespace}`;
}

/** An error in the API server's own words, with what to do about it. */
export function failureOf(
  error: unknown,
  verb: 'list' | 'watch',
  scope: Pick<Scope, 'namespace'>,
): Failure {
  const what = `cannot ${verb} endpointslices ${shownScope(scope)}`;
  if (error instanceof HttpError) {
    const said = saidBy(error);
    const { status: code } = error;
    if (said !== undefined)
      return { reason: `${what}: ${code}: ${said}`, fix: fixFor(code, scope) };
    return { reason: `${what}: ${error.message}`, fix: fixFor(code, scope) };
  }
  const reason = error instanceof Error ? error.message : String(error);
  return {
    reason: `${what}: ${reason}`,
    fix: 'check that the API server answers this machine; it is asked again',
  };
}

export interface Failure {
  readonly reason: string;
  readonly fix: string;
}

function saidBy({ body }: HttpError): string | undefined {
  try {
    return readStatus(JSON.parse(body.toString()))?.message?.slice(0, 500);
  } catch {
    return undefined;
  }
}

function fixFor(code: number, { namespace }: Pick<Scope, 'namespace'>): string {
  if (code === 401)
    return 'its token or certificate is not accepted: renew it; files are read again when they change';
  if (code !== 403) return 'it is asked again';
  const rights = '--verb=list,watch --resource=endpointslices.discovery.k8s.io';
  return namespace === undefined
    ? `give it a ClusterRole: kubectl create clusterrole smartstack-synapse ${rights}; kubectl create clusterrolebinding smartstack-synapse --clusterrole=smartstack-synapse --user=USER (or set kubernetes.scope: namespace)`
    : `give it a Role: kubectl create role smartstack-synapse -n ${namespace} ${rights}; kubectl create rolebinding smartstack-synapse -n ${namespace} --role=smartstack-synapse --user=USER`;
}

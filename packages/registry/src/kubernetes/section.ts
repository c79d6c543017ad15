import { duration, filePath } from '@smartstack/daemon';
import { z } from 'zod';

import { tlsSchema } from '../tls.ts';

/** A namespace: a DNS label. */
export const kubernetesNamespace = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, { error: 'expected a namespace such as shop' });

/** The keys that say which API server is asked, and who asks. */
export const kubernetesServerKeys = {
  kubeconfig: filePath.optional().meta({
    description:
      'a kubeconfig file: its cluster, its user (certificates, tokens, exec plugins) and its namespace. Read again when it changes',
    otherwise: '`server`; without it the service account of the pod that this runs in',
    examples: ['/etc/smartstack/kubeconfig'],
  }),
  context: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'the context of the kubeconfig',
      otherwise: 'its `current-context`',
      examples: ['prod'],
    }),
  server: z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    .optional()
    .meta({
      description: 'the API server, in place of a kubeconfig',
      examples: ['https://kube.example.com:6443'],
    }),
  tls: tlsSchema.optional().meta({
    description: 'TLS to `server`',
    otherwise: 'the authorities that Node.js knows, and no certificate of our own',
    examples: [{ ca: '/etc/smartstack/kube-ca.pem' }],
  }),
  token_file: filePath.optional().meta({
    description: 'a file with the token that is shown to `server`. Read again when it changes',
    examples: ['/etc/smartstack/kube-token'],
  }),
};

/** What is wrong with keys about the API server together, or undefined. */
export function kubernetesServerProblem(keys: KubernetesServer): string | undefined {
  const { kubeconfig, context, server, tls, token_file: token } = keys;
  if (kubeconfig !== undefined && (server ?? tls ?? token) !== undefined)
    return 'a kubeconfig says where the server is and who asks: leave out server, tls and token_file';
  if (server === undefined && (tls ?? token) !== undefined)
    return 'tls and token_file are for a server: give server, too';
  if (token !== undefined && server?.startsWith('http:'))
    return 'a token is not sent over plain http: give an https server';
  if (kubeconfig === undefined && context !== undefined && server !== undefined)
    return 'a context is one of a kubeconfig: leave out context, or server';
  return undefined;
}

/** The top-level `kubernetes` section. */
export const kubernetesSchema = z
  .strictObject({
    ...kubernetesServerKeys,
    namespace: kubernetesNamespace.optional().meta({
      description: 'the namespace of services that name none',
      otherwise: "the kubeconfig context's or the service account's, else `default`",
      examples: ['shop'],
    }),
    scope: z
      .enum(['namespace', 'cluster'])
      .default('namespace')
      .meta({
        description:
          'one watch for each namespace, for which a Role in it is enough, or one for the whole cluster, which needs a ClusterRole',
        examples: ['cluster'],
      }),
    watch_timeout: duration
      .refine((milliseconds) => milliseconds >= 10_000 && milliseconds <= 3_600_000, {
        error: 'expected 10 seconds to 1 hour',
      })
      .prefault('5m')
      .meta({
        description:
          'after about this time a watch is asked for anew, from where it stood; one that says nothing for longer is given up',
        minimum: 10,
        maximum: 3600,
        examples: ['10m'],
      }),
  })
  .superRefine((section, context) => {
    const message = kubernetesServerProblem(section);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .meta({
    description: 'the Kubernetes API server of services with `method: kubernetes`, and who asks it',
    examples: [{ kubeconfig: '/etc/smartstack/kubeconfig', namespace: 'shop' }],
  });

export type KubernetesSection = z.output<typeof kubernetesSchema>;

/** Which API server is asked, and who asks. */
export type KubernetesServer = Partial<
  Pick<KubernetesSection, 'kubeconfig' | 'context' | 'server' | 'tls' | 'token_file'>
>;

/** An API server, and how it is followed. */
export interface KubernetesAddress extends KubernetesServer {
  /** The namespace of services that name none. */
  readonly namespace?: string | undefined;
  readonly scope?: KubernetesSection['scope'] | undefined;
  readonly watch_timeout?: number | undefined;
}

import { type Mechanism, portKey } from '@smartstack/daemon';
import {
  type KubernetesAddress,
  kubernetesNamespace,
  kubernetesServerKeys,
  kubernetesServerProblem,
  labelSourceProblem,
} from '@smartstack/registry';
import { z } from 'zod';

import type { Discovery, DiscoveryDeps } from './discovery.ts';

const schema = z
  .strictObject({
    method: z.literal('kubernetes'),
    service: z
      .string()
      .max(63)
      .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, { error: 'expected the name of a Service' })
      .optional()
      .meta({
        description:
          'the Kubernetes Service: EndpointSlices whose label `kubernetes.io/service-name` has this value',
        otherwise: 'the service\u2019s name',
        examples: ['web'],
      }),
    namespace: kubernetesNamespace.optional().meta({
      description: 'its namespace',
      otherwise: '`kubernetes.namespace`',
      examples: ['shop'],
    }),
    port: z
      .union([portKey, z.string().min(1).max(63)])
      .optional()
      .meta({
        description: 'the name of a port, or the number that pods listen on',
        otherwise: 'the only TCP port',
        examples: ['http'],
      }),
    terminating: z
      .enum(['fallback', 'never'])
      .default('fallback')
      .meta({
        description:
          'endpoints that end and serve yet: members while no other is ready, as in Kubernetes itself, or never',
        examples: ['never'],
      }),
    address_type: z
      .enum(['IPv4', 'IPv6', 'FQDN'])
      .optional()
      .meta({
        description: 'which addresses of a dual-stack Service count',
        otherwise: 'IPv4 where it has any, then IPv6, then FQDN',
        examples: ['IPv6'],
      }),
    labels: z
      .record(
        z.string(),
        z.string().superRefine((source, context) => {
          const message = labelSourceProblem(source);
          if (message !== undefined) context.addIssue({ code: 'custom', message });
        }),
      )
      .optional()
      .meta({
        description:
          'members\u2019 labels and where they come from: `zone`, `node`, `hint_zones`, `hostname`, `namespace`, or the slice\u2019s `labels.KEY` and `annotations.KEY`',
        otherwise:
          '`zone`, `node`, `hint_zones`, and the Service\u2019s labels under their own names, without those of `kubernetes.io/` itself',
        examples: [{ zone: 'zone', version: 'labels.app.kubernetes.io/version' }],
        leaf: true,
      }),
    ...kubernetesServerKeys,
  })
  .meta({
    description: 'the endpoints of a Kubernetes Service, by its EndpointSlices',
  });

type Config = z.output<typeof schema>;

/** Follows the EndpointSlices of a Service. */
export const kubernetes: Mechanism<Discovery, DiscoveryDeps, typeof schema> = {
  type: 'kubernetes',
  schema,
  create: (config, { registries, kubernetes: shared, service, onMissing, onTrouble }) => {
    const registry = registries.openKubernetes(addressOf(config, shared));
    const { port, labels, terminating, address_type: addressType, namespace } = config;
    const followed = {
      service: config.service ?? service,
      namespace,
      port,
      labels,
      addressType,
      isFallback: terminating === 'fallback',
      onMissing,
      onTrouble,
    };
    return (signal) => registry.follow(followed, signal);
  },
};

/** What is wrong with the keys about the API server, or undefined. */
export function clusterProblem(config: Config): string | undefined {
  return kubernetesServerProblem(config);
}

/** The API server of a discovery that names one, or else the shared one, of which another context may be meant. */
function addressOf(
  { kubeconfig, context, server, tls, token_file }: Config,
  shared: KubernetesAddress = {},
): KubernetesAddress {
  const { namespace, scope, watch_timeout } = shared;
  if (kubeconfig === undefined && server === undefined)
    return context === undefined ? shared : { ...shared, context };
  return { namespace, scope, watch_timeout, kubeconfig, context, server, tls, token_file };
}

export type { Inherited, UsedAgent } from './consul/agents.ts';
export type { ConsulRegistry } from './consul/consul.ts';
export { type ConsulMapping, defaultMapping, labelSources } from './consul/mapping.ts';
export type { ConsulFollow } from './consul/query.ts';
export { type ConsulForm, defaultForm } from './consul/registration.ts';
export {
  type ConsulSection,
  consulAccessKeys,
  consulSchema,
  consulUrl,
} from './consul/section.ts';
export { type JsonKeys, jsonDecoder } from './etcd/decode.ts';
export {
  createEtcdRegistry,
  type EtcdFollowOptions,
  type EtcdRegistry,
  type EtcdRegistryOptions,
} from './etcd/etcd.ts';
export { etcdProblems } from './etcd/options.ts';
export { type EtcdSection, etcdEndpoints, etcdPath, etcdSchema } from './etcd/section.ts';
export type { EtcdV2Address } from './etcd-v2/keys.ts';
export { createFileRegistry, type FileRegistryOptions } from './file/file.ts';
export {
  createHttpClient,
  type HttpAnswer,
  type HttpClient,
  type HttpClientOptions,
  type HttpRequest,
} from './http/client.ts';
export { HttpError } from './http/error.ts';
export { type GetOptions, getJson, openGet } from './http/get.ts';
export { createTlsFiles, type TlsMaterial } from './http/tls-material.ts';
export { createTokenFile } from './http/token-file.ts';
export { badRecordsOf, createDecoder, withBadRecords } from './instance/decoder.ts';
export {
  type BadRecord,
  decodeInstance,
  encodeInstance,
  hostSchema,
  type Instance,
  isBadRecord,
  isHost,
  keyOf,
  type NetworkInstance,
} from './instance/instance.ts';
export type { RecordDecoder, RegistryRecord } from './instance/record.ts';
export { serversetDecoder } from './instance/serverset.ts';
export { changed, sourceOf, withSource } from './instance/source.ts';
export type { KubernetesFollow, KubernetesRegistry } from './kubernetes/kubernetes.ts';
export { labelSourceProblem } from './kubernetes/labels.ts';
export {
  type KubernetesAddress,
  type KubernetesSection,
  type KubernetesServer,
  kubernetesNamespace,
  kubernetesSchema,
  kubernetesServerKeys,
  kubernetesServerProblem,
} from './kubernetes/section.ts';
export { createMemoryRegistry } from './memory/memory.ts';
export { instanceOfName } from './path-encoding.ts';
export {
  createRegistries,
  type OpenedRegistries,
  type Registries,
  type RegistriesOptions,
  type RegistryAddress,
  registryPath,
  registrySchema,
  type Tickets,
} from './registries.ts';
export { type Announcement, type Registry, Unconfirmed } from './registry.ts';
export { splitChroot } from './zookeeper/connect-string.ts';
export { nodeTypes, type RecordForm } from './zookeeper/record.ts';
export {
  nodePath,
  type ZooKeeperSection,
  zooKeeperHosts,
  zooKeeperSchema,
} from './zookeeper/section.ts';
export { sessionOptionsOf, sessionProblems } from './zookeeper/session-options.ts';
export {
  createZooKeeperRegistry,
  type FollowOptions,
  type IsStale,
  type ZooKeeperRegistry,
  type ZooKeeperRegistryOptions,
} from './zookeeper/zookeeper.ts';

export { createFileRegistry, type FileRegistryOptions } from './file/file.ts';
export {
  type BadRecord,
  decodeInstance,
  encodeInstance,
  type Instance,
  isBadRecord,
  isHost,
  keyOf,
} from './instance.ts';
export { createMemoryRegistry } from './memory/memory.ts';
export {
  createRegistries,
  type Registries,
  type RegistriesOptions,
  type RegistryAddress,
  registrySchema,
  zooKeeperHosts,
  zooKeeperSchema,
} from './registries.ts';
export type { Announcement, Registry } from './registry.ts';
export { createZooKeeperRegistry, type ZooKeeperRegistryOptions } from './zookeeper/zookeeper.ts';

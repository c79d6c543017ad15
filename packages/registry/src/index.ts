export {
  type BadRecord,
  decodeInstance,
  encodeInstance,
  type Instance,
  isBadRecord,
  isHost,
  keyOf,
} from './instance.ts';
export type { Announcement, Registry } from './registry.ts';

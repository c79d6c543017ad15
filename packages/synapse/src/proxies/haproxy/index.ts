import type { Mechanism } from '@smartstack/daemon';

import { haproxySchema } from './config/config.ts';
import { createHaproxyDriver, type HaproxyDeps, type HaproxyDriver } from './driver.ts';

export {
  type HaproxyConfig,
  type HaproxyService,
  haproxySchema,
  haproxyServiceSchema,
  isManaged,
  isProxyName,
} from './config/config.ts';
export { isOff, sectionOf } from './config/section.ts';
export { createHaproxyDriver, type HaproxyDeps, type HaproxyDriver } from './driver.ts';
export { type Preview, preview } from './preview.ts';

/** HAProxy as a proxy that synapse keeps in step. */
export const haproxy: Mechanism<HaproxyDriver, HaproxyDeps, typeof haproxySchema> = {
  type: 'haproxy',
  schema: haproxySchema,
  create: createHaproxyDriver,
};
export { serverName } from './render/server.ts';
export { unresolved } from './status.ts';

import type { ProxyKind } from '@smartstack/proxy';
import { withBackends } from './backends/driver.ts';
import { createExpansion } from './backends/expand.ts';
import { type HaproxyConfig, type HaproxyService, haproxySchema } from './config/config.ts';
import { isAsked, isOff, name, sectionOf, sectionsOf } from './config/section.ts';
import { config } from './config/sections.ts';
import { createHaproxyDriver } from './driver.ts';
import { preview } from './status/preview.ts';
import { view } from './status/view.ts';

/** HAProxy as a proxy that synapse keeps in step. */
export const haproxy: ProxyKind<HaproxyConfig, HaproxyService> = {
  name,
  title: 'HAProxy',
  config,
  view,
  create: (section, deps) => withBackends(createHaproxyDriver(section, deps)),
  preview: async (section, snapshot, signal) => {
    if (isOff(section) || (section === undefined && !isAsked(sectionsOf(snapshot))))
      return undefined;
    return preview(
      sectionOf(section) ?? haproxySchema.parse({}),
      createExpansion()(snapshot).snapshot,
      signal,
    );
  },
};

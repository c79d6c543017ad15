import type { ProxyKind } from '@smartstack/proxy';

import type { EnvoyConfig, EnvoyService } from './config/config.ts';
import { name } from './config/section.ts';
import { config } from './config/sections.ts';
import { createEnvoyDriver } from './driver.ts';
import { grpcBootstrap } from './grpc/bootstrap.ts';
import { view } from './status/view.ts';

/** Envoy as a proxy that synapse keeps in step. */
export const envoy: ProxyKind<EnvoyConfig, EnvoyService> = {
  name,
  title: 'Envoy',
  config,
  view,
  create: createEnvoyDriver,
  preview: async (...input) => (await import('./status/preview.ts')).preview(...input),
  clientFiles: [grpcBootstrap],
};

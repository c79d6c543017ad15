import type { Service } from '@smartstack/proxy';

import { ownOf } from '../config/section.ts';

/** Whether gRPC applications call a service by its name, whichever proxy serves others. */
export const isCallable = (service: Pick<Service, 'protocol' | 'own'>): boolean =>
  service.protocol === 'grpc' && !ownOf(service)?.disabled;

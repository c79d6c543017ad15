import { isUnanswered, type Service } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';

/** Who serves now: its members, or what stands for them; undefined where neither is known, which is not an empty list. */
export function membersAt(service: Service): readonly Instance[] | undefined {
  const { instances, defaults } = service;
  if (instances !== undefined) return instances;
  return defaults.length === 0 && isUnanswered(service) ? undefined : defaults;
}

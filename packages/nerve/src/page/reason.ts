import type { ServiceStatus } from '../services/service.ts';

/** Why a service is announced or not, in a few words; empty where there is nothing to say. */
export function reasonOf(status: ServiceStatus): string {
  const { because, announced, downtime, trouble } = status;
  switch (because) {
    case 'up':
      if (trouble !== undefined) return trouble;
      return announced ? missingText(status) : 'the registry has not answered yet';
    case 'down':
      return downReason(status);
    case 'downtime':
      return `taken down by ${downtime?.owner}: ${downtime?.reason}`;
    case 'flapping':
      return 'it flaps: held down until it is steady';
    case 'rate limit':
      return 'announced too often: held back';
    case 'not checked yet':
      return trouble ?? '';
  }
}

/** Where a service is not announced yet although it is elsewhere. */
function missingText({ registries }: ServiceStatus): string {
  const missing = registries.filter(({ announced }) => !announced);
  return missing.map(({ registry }) => `${registry} has not answered yet`).join('; ');
}

/** Why a service is down; with the check's name where there are several. */
export function downReason({ check, reason = '', checks }: ServiceStatus): string {
  return checks.length > 1 && check !== undefined ? `${check}: ${reason}` : reason;
}

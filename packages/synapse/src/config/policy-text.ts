import { type MergedPolicy, writtenLine, writtenTime } from '@smartstack/policy';

/** What happens to a service's traffic, in a line. */
export function trafficText(name: string, { policy }: MergedPolicy): string {
  const { routes = [], retries = {}, timeouts = {}, balance, outlier_ejection: ejection } = policy;
  const { attempts = 0, on = [] } = retries;
  const parts = [
    ...(routes.length > 0 ? [`${routes.length} ${routes.length === 1 ? 'route' : 'routes'}`] : []),
    attempts === 0 ? 'no retries' : `retries ${attempts} on ${on.join(', ')}`,
    ...(timeouts.request === undefined
      ? []
      : [`requests end after ${writtenTime(timeouts.request)}`]),
    ...(balance === undefined ? [] : [`balance ${writtenLine(balance)}`]),
    ...(ejection
      ? [`ejection after ${ejection.errors ?? ejection.gateway_errors ?? 5} errors`]
      : []),
  ];
  return `traffic: ${parts.join(', ')}; synapse policy show ${name} says all`;
}

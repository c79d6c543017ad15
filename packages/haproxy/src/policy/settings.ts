/** Settings of which a section has one, by the words that a line begins with, and the policy's word for each. */
const settings: Readonly<Record<string, string>> = {
  mode: 'protocol',
  balance: 'balance',
  'hash-type': 'balance',
  retries: 'retries.attempts',
  'retry-on': 'retries.on',
  'option redispatch': 'retries.attempts',
  'option httplog': 'access_log',
  'option tcplog': 'access_log',
  'log-format': 'access_log',
  'error-log-format': 'access_log',
  'unique-id-format': 'access_log',
  'timeout client': 'timeouts.idle',
  'timeout http-keep-alive': 'timeouts.idle',
  'timeout connect': 'timeouts.connect',
  'timeout queue': 'timeouts.queue',
  'timeout server': 'timeouts.per_try',
  'timeout tunnel': 'timeouts.idle',
};

/** The setting that a line makes; undefined of a rule, which stands beside others. */
export function settingOf(line: string): string | undefined {
  return Object.keys(settings).find((each) => line === each || line.startsWith(`${each} `));
}

/** The policy's word for a setting. */
export const wordFor = (setting: string): string | undefined => settings[setting];

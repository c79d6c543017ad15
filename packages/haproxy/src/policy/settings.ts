/** Settings of which a section has one, by the words that a line begins with. */
const settings = [
  'mode',
  'balance',
  'hash-type',
  'retries',
  'retry-on',
  'option redispatch',
  'option httplog',
  'option tcplog',
  'log-format',
  'timeout client',
  'timeout http-keep-alive',
  'timeout connect',
  'timeout queue',
  'timeout server',
  'timeout tunnel',
];

/** The setting that a line makes; undefined of a rule, which stands beside others. */
export function settingOf(line: string): string | undefined {
  return settings.find((each) => line === each || line.startsWith(`${each} `));
}

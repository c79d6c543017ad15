import type { OriginalKey } from '@smartstack/daemon';

const service = 'services.<name>';
const discovery = `${service}.discovery`;
const proxy = `${service}.haproxy`;

/**
 * The keys of Airbnb's synapse 0.18 and what they do here: for `check-config --explain`, and for
 * docs/migrating.md, which is generated from it.
 */
export const originals: readonly OriginalKey[] = [
  { key: 'services', here: 'the same' },
  {
    key: 'service_conf_dir',
    here: 'the same; the folder is watched, so that no restart is needed. A relative one is looked for beside the main file first, then in the working directory',
  },
  {
    key: 'file_output.output_directory',
    here: 'the same',
    better: 'GET /v1/services/<name> at status_address says the same, and tells of changes',
  },
  { key: `${service}.file_output`, here: 'the same: `disabled: true` writes no file for it' },
  { key: 'statsd', here: 'the same: counters in the same names; GET /metrics has more' },
  {
    key: `${service}.default_servers`,
    here: 'the same: served when no instance is registered; UNIX sockets too (`{host: unix, port: /path}`)',
  },
  { key: `${service}.keep_default_servers`, here: 'the same' },
  { key: `${service}.use_previous_backends`, here: 'the same' },
  { key: `${service}.backend_port_override`, here: 'the same' },
  {
    key: `${service}.leader_election`,
    here: 'the same, but it fails closed: where the leader cannot be determined, nobody is served',
  },
  { key: `${service}.load_test_concurrency`, here: 'the same' },
  {
    key: `${service}.discovery_multi`,
    here: 'the same',
    better: 'discovery: {method: multi, watchers, resolver} says it in one place',
  },
  {
    key: `${discovery}.method`,
    here: 'the same, and `file`: a folder that nerve announces in',
    better: 'method: zookeeper follows watches that cannot be lost, so that nothing need be polled',
    due: (value) => value === 'zookeeper_poll' || value === 'zookeeper_dns_poll',
  },
  {
    key: `${discovery}.hosts`,
    here: 'the same; one session for each ensemble',
    better: 'zookeeper: {hosts: [...]} at the top names the ensemble once for all services',
  },
  { key: `${discovery}.path`, here: 'the same' },
  { key: `${discovery}.decode`, here: 'the same' },
  {
    key: `${discovery}.generator_config_path`,
    here: 'the same, also with `multi`, but only harmless keys are taken from a znode, unless `haproxy.trust_registry_config` is true',
  },
  {
    key: `${discovery}.discovery_jitter`,
    here: 'the same: the least time from one list to the next',
    better: 'a change costs one read for each new member, so that it may go',
  },
  {
    key: `${discovery}.retry_policy`,
    here: 'nothing is ever given up: what failed is tried again, later and later, up to a limit',
    idle: true,
  },
  { key: `${discovery}.polling_interval_sec`, here: 'the same' },
  {
    key: `${discovery}.label_filters`,
    here: 'the same; conditions `in`, `not-in` and `exists` too',
  },
  {
    key: `${discovery}.label_filter`,
    here: 'the same',
    better: 'label_filters, a list, takes it and more of them',
  },
  { key: `${discovery}.servers`, here: 'the same (dns, docker); SRV names too' },
  {
    key: `${discovery}.nameserver`,
    here: 'the same; `address:port` too',
  },
  {
    key: `${discovery}.check_interval`,
    here: 'the same; dns looks again when the TTL is over, docker when the engine tells of an event',
  },
  { key: `${discovery}.image_name`, here: 'the same' },
  { key: `${discovery}.container_port`, here: 'the same' },
  { key: `${discovery}.tag_name`, here: 'the same; needs `npm install @aws-sdk/client-ec2`' },
  { key: `${discovery}.tag_value`, here: 'the same' },
  {
    key: `${discovery}.aws_access_key_id`,
    here: 'the same',
    better: "without it the machine's role is used: no secret in a file",
  },
  {
    key: `${discovery}.aws_secret_access_key`,
    here: 'the same',
  },
  { key: `${discovery}.aws_region`, here: 'the same' },
  { key: `${discovery}.marathon_api_url`, here: 'the same' },
  { key: `${discovery}.application_name`, here: 'the same' },
  { key: `${discovery}.marathon_api_path`, here: 'the same' },
  { key: `${discovery}.port_index`, here: 'the same' },
  { key: `${discovery}.watchers`, here: 'the same (multi)' },
  {
    key: `${discovery}.resolver`,
    here: 'the same; `toggle` reads a local file as `s3_toggle` reads one in S3, which needs `npm install @aws-sdk/client-s3`',
  },
  { key: `${proxy}.port`, here: 'the same' },
  { key: `${proxy}.bind_address`, here: 'the same' },
  { key: `${proxy}.bind_options`, here: 'the same' },
  { key: `${proxy}.server_options`, here: 'the same' },
  {
    key: `${proxy}.frontend`,
    here: 'the same; `haproxy -c` judges the lines, none is dropped silently, and those that HAProxy removed run as what means the same today',
  },
  { key: `${proxy}.backend`, here: 'the same' },
  { key: `${proxy}.listen`, here: 'the same' },
  { key: `${proxy}.backend_name`, here: 'the same, without a reload for each change' },
  { key: `${proxy}.backend_order`, here: 'the same' },
  { key: `${proxy}.shared_frontend`, here: 'the same' },
  { key: `${proxy}.cookie_value_method`, here: 'the same' },
  { key: `${proxy}.use_nerve_weights`, here: 'read here and at the top level' },
  {
    key: `${proxy}.server_port_override`,
    here: 'the same: the old name of `backend_port_override`',
    better: 'backend_port_override beside discovery is its newer name',
  },
  { key: `${proxy}.disabled`, here: 'the same' },
  { key: 'haproxy.global', here: 'the same; sane ones when absent' },
  { key: 'haproxy.defaults', here: 'the same; sane ones when absent' },
  {
    key: 'haproxy.extra_sections',
    here: 'the same; never touched at run time',
    better: 'stats_address has the stats page and Prometheus metrics (managed mode)',
    due: (value) => JSON.stringify(value).includes('stats enable'),
  },
  { key: 'haproxy.shared_frontend', here: 'the same' },
  { key: 'haproxy.bind_address', here: 'the same' },
  { key: 'haproxy.do_writes', here: 'the same' },
  { key: 'haproxy.do_socket', here: 'the same' },
  { key: 'haproxy.do_reloads', here: 'the same' },
  {
    key: 'haproxy.do_checks',
    here: 'the same; without it `haproxy -c` judges each file',
    better: 'haproxy -c judges each file in any case, and one bad service is left out alone',
    due: (value) => value === true,
  },
  { key: 'haproxy.check_command', here: 'the same, with `do_checks`' },
  { key: 'haproxy.candidate_config_file_path', here: 'the same, with `do_checks`' },
  { key: 'haproxy.config_file_path', here: 'the same; also in managed mode' },
  {
    key: 'haproxy.reload_command',
    here: 'the same; its absence means that synapse runs its own HAProxy (*managed*)',
    better:
      'without it, config_file_path and socket_file_path, synapse runs an HAProxy of its own, which outlives it',
  },
  { key: 'haproxy.socket_file_path', here: 'the same; also in managed mode' },
  {
    key: 'haproxy.restart_interval',
    here: 'the least time between two reloads; membership never waits for it, nor needs one',
  },
  { key: 'haproxy.restart_jitter', here: 'the same' },
  {
    key: 'haproxy.state_file_path',
    here: 'what synapse remembers over restarts; no longer needed to avoid a reload per change',
  },
  { key: 'haproxy.state_file_ttl', here: 'the same' },
  { key: 'haproxy.server_order_seed', here: 'the same: any whole number, also of 128 bits' },
  {
    key: 'haproxy.max_server_id',
    here: 'the same; the default is higher, as ids are hashes, the same on every machine',
    better: 'a small range makes ids collide; the default (268435455) does not',
    due: (value) => Number(value) <= 65_535,
  },
  { key: 'haproxy.use_nerve_weights', here: 'the same; also per service' },
];

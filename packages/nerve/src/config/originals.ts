import type { OriginalKey } from '@smartstack/daemon';

const service = 'services.<name>';
const check = `${service}.checks[]`;

/**
 * The keys of Airbnb's nerve 0.9.7 and what they do here: for `check-config --explain`, and for
 * docs/migrating.md, which is generated from it.
 */
export const originals: readonly OriginalKey[] = [
  { key: 'instance_id', here: 'the same; a number is taken as it was written' },
  { key: 'services', here: 'the same' },
  {
    key: 'service_conf_dir',
    here: 'the same; also `*.yml`, and a file there wins over a service of that name in the main file. A relative one is looked for beside the main file first, then in the working directory',
  },
  {
    key: 'heartbeat_path',
    here: 'the same: touched every 5 s',
    better: 'GET /ready at status_address says more, to a watchdog over HTTP',
  },
  {
    key: 'max_repeated_report_failures',
    here: 'nerve never gives up on a registry',
    idle: true,
  },
  {
    key: 'statsd',
    here: "the same counters in the originals' names",
    better: 'GET /metrics at status_address has more, for Prometheus',
  },
  { key: `${service}.host`, here: 'the same; IPv6 too' },
  { key: `${service}.port`, here: 'the same' },
  {
    key: `${service}.reporter_type`,
    here: '`zookeeper` and `etcd` the same; `file` announces in a folder, with no server',
    better: 'zookeeper is the default, so it may go',
    due: (value) => value === 'zookeeper',
  },
  {
    key: `${service}.zk_hosts`,
    here: 'the same; one session for each ensemble',
    better: 'zookeeper: {hosts: [...]} at the top names the ensemble once for all services',
  },
  { key: `${service}.zk_path`, here: 'the same' },
  {
    key: `${service}.node_type`,
    here: 'the same; `ephemeral` waits for the session that has the node, and makes it its own as soon as that has ended, where the original left it gone',
    better:
      'a persistent node outlives a machine that dies; the default, ephemeral_sequential, goes with it',
    due: (value) => String(value).startsWith('persistent'),
  },
  { key: `${service}.ttl_seconds`, here: 'the same: how often a persistent node is written again' },
  { key: `${service}.use_path_encoding`, here: 'the same' },
  {
    key: `${service}.etcd_host`,
    here: "the same, over etcd's v2 API; a key that an earlier nerve left is taken over",
    better:
      'etcd 3.6 has no v2 API any more, and synapse does not read it: etcd_endpoints speaks v3',
  },
  { key: `${service}.etcd_port`, here: 'the same' },
  { key: `${service}.etcd_path`, here: 'the same; `/` works' },
  { key: `${service}.check_interval`, here: 'the same; checks never wait for each other' },
  { key: `${service}.checks`, here: 'the same: all must pass' },
  { key: `${service}.check_mocked`, here: 'the same' },
  { key: `${service}.load_test_concurrency`, here: 'the same' },
  {
    key: `${service}.weight`,
    here: 'the same; `nerve weight` changes it at run time, and `warmup` lets it grow',
  },
  {
    key: `${service}.haproxy_server_options`,
    here: 'the same; synapse lets only known words through',
  },
  { key: `${service}.labels`, here: 'the same' },
  {
    key: `${service}.rate_limiting`,
    here: 'only announcements are limited; withdrawals never are',
    better: 'flap_damping is on by default and holds flapping services back, each by itself',
  },
  {
    key: `${check}.type`,
    here: 'the same, and more: https, postgres, mysql, grpc, exec, file, ttl',
  },
  {
    key: `${check}.module`,
    here: 'only with `type: module`: a module in JavaScript; Ruby ones are refused',
  },
  { key: `${check}.name`, here: 'the same' },
  { key: `${check}.host`, here: 'the same; IPv6 too' },
  { key: `${check}.port`, here: 'the same' },
  {
    key: `${check}.timeout`,
    here: 'the same 0.1 s unless given; it ends the whole check, whatever that waits for',
  },
  { key: `${check}.rise`, here: 'the same: the first result decides at once' },
  { key: `${check}.fall`, here: 'the same' },
  { key: `${check}.uri`, here: 'the same' },
  {
    key: `${check}.ssl`,
    here: 'the same: the certificate is not verified',
    better: 'type: https verifies the certificate (ca names a private authority)',
    due: (value) => value === true,
  },
  { key: `${check}.open_timeout`, here: 'the same, within `timeout`' },
  { key: `${check}.ssl_timeout`, here: 'the same, within `timeout`' },
  { key: `${check}.read_timeout`, here: 'the same, within `timeout`' },
  { key: `${check}.headers`, here: 'the same' },
  {
    key: `${check}.expect`,
    here: 'the same, within the first MiB of the body; `expect_match` takes a regular expression, `status` the statuses that pass',
  },
  {
    key: `${check}.username`,
    here: 'the same; also of redis. rabbitmq needs `npm install amqplib`',
  },
  { key: `${check}.password`, here: 'the same; also of redis' },
];

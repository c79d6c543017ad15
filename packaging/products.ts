/** What is packaged: each daemon with all that is its own. */
export interface Product {
  readonly daemon: 'nerve' | 'synapse';
  /** The Debian package, and the system's account that the daemon runs as. */
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly depends: readonly string[];
  readonly conflicts: readonly string[];
  /** Units, the daemon's own first. */
  readonly units: readonly string[];
  /** Units that are there and neither enabled nor started: who wants one does that. */
  readonly optionalUnits: readonly string[];
  /** What signals do, for the man page. */
  readonly signals: Readonly<Record<string, string>>;
  /** Commands whose first argument is a service's name. */
  readonly serviceCommands: readonly string[];
  /** Files beside those that every package has: where they go, and their mode. */
  readonly files: Readonly<Record<string, { readonly to: string; readonly mode: number }>>;
}

/** What the bundled Node.js links to; any Debian or Ubuntu has it. */
const runtime = ['adduser', 'libc6 (>= 2.28)', 'libgcc-s1', 'libstdc++6 (>= 9)'];

export const products: readonly Product[] = [
  {
    daemon: 'nerve',
    name: 'smartstack-nerve',
    summary: 'announces the healthy services of this machine',
    description:
      'nerve checks the services that run on this machine and announces the healthy ones in ZooKeeper, where synapse on other machines finds them. An upgrade hands the announcements over: nobody sees a change.',
    depends: runtime,
    conflicts: [],
    units: ['nerve.service'],
    optionalUnits: [],
    signals: {
      'SIGTERM, SIGINT': 'withdraw every service and then end nerve',
      SIGHUP: 'read the configuration again; services that did not change notice nothing',
      SIGUSR2: 'end nerve and leave the announcements to the next one, as nerve handoff does',
    },
    serviceCommands: ['down', 'up', 'weight', 'check'],
    files: { stop: { to: 'usr/lib/smartstack-nerve/stop', mode: 0o755 } },
  },
  {
    daemon: 'synapse',
    name: 'smartstack-synapse',
    summary: 'keeps a local HAProxy in step with the services used here',
    description:
      'synapse follows the services that this machine uses, in ZooKeeper and elsewhere, and keeps a HAProxy of its own in step with them. That HAProxy is a unit of its own, which restarts and upgrades of synapse do not touch.',
    depends: [...runtime, 'haproxy (>= 2.6)'],
    // The launcher for desktops is called so, too.
    conflicts: ['synapse'],
    units: ['synapse.service', 'synapse-haproxy.service'],
    optionalUnits: ['synapse-envoy.path', 'synapse-envoy.service'],
    signals: {
      'SIGTERM, SIGINT':
        'end synapse; its HAProxy goes on serving, and the next synapse takes it over',
      SIGHUP: 'read the configuration again; services that did not change notice nothing',
    },
    serviceCommands: ['explain', 'wait', 'accept', 'policy show', 'policy try'],
    files: {
      'haproxy-start': { to: 'usr/lib/smartstack-synapse/haproxy-start', mode: 0o755 },
      'haproxy.cfg': { to: 'usr/share/smartstack-synapse/haproxy.cfg', mode: 0o644 },
      logrotate: { to: 'etc/logrotate.d/smartstack-synapse', mode: 0o644 },
    },
  },
];

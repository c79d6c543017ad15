import { messageOf, silentLog } from '@smartstack/daemon';

import { format } from '../connection/address.ts';
import { type Connection, shown } from '../connection/connection.ts';
import { createLink } from '../connection/link.ts';
import type { OperationOptions, Session, SessionOptions } from '../contract.ts';
import { dropUnclaimed } from '../ephemeral/drop-unclaimed.ts';
import { keepEphemeral } from '../ephemeral/ephemeral.ts';
import { createInherited } from '../ephemeral/inherited.ts';
import { children } from '../watch/children.ts';
import { data } from '../watch/data.ts';
import { createWatches } from '../watch/watches.ts';
import { get, toAcls } from '../wire/requests.ts';
import type { Core } from './core.ts';
import { createEnding } from './ending.ts';
import { createGate } from './gate.ts';
import { createHub } from './hub.ts';
import { createMeasures } from './metrics.ts';
import { createNodes } from './nodes.ts';
import { createOperations } from './operations.ts';
import { settingsOf } from './options.ts';
import { createStates } from './states.ts';

/**
 * Opens a session and keeps it open until closed. Returns at once and connects in the background;
 * throws `UserError` only where the options themselves are wrong.
 */
export function connect(options: SessionOptions): Session {
  const settings = settingsOf(options);
  const ensemble = settings.hosts.map(format).join(',') + settings.chroot;
  const log = (options.log ?? silentLog).child({ ensemble });
  const measures = createMeasures(ensemble, options.metrics);
  const users = new AbortController();
  const linked = new AbortController();
  const states = createStates(measures.state);
  const watches = createWatches();
  const connected = createHub<void>();
  const acl = toAcls(options.acl);
  let epoch = 0;

  const operations = createOperations({
    chroot: settings.chroot,
    inFlight: settings.inFlight,
    readBudget: options.readBudget,
    onEvent: (path, type) => watches.dispatch({ path, type }),
    onSettled: measures.operation,
    whyDown: () => link.failure,
  });
  const unrooted = createOperations({ chroot: '', inFlight: 1 });
  const deadline = () => link.timeout;
  const root = createNodes({ operations: unrooted, acl, deadline, makeRoot: async () => {} });
  const makeRoot = (within: OperationOptions) => root.makePath(settings.chroot || '/', within);
  const nodes = createNodes({ operations, acl, deadline, makeRoot });

  const link = createLink({
    settings,
    states,
    measures,
    log,
    leaving: users.signal,
    prepare,
    onUp(connection) {
      epoch += 1;
      operations.attach(connection);
      connected.emit();
    },
  });

  async function tellSession(): Promise<void> {
    try {
      await options.onSession?.();
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'a new session could not be noted');
    }
  }

  /** A chroot that is missing would fail every operation, so it is made before any is sent. */
  async function prepare(connection: Connection, fresh: boolean): Promise<void> {
    if (fresh) await tellSession();
    if (settings.chroot === '') return;
    unrooted.attach(connection);
    if (!fresh) return;
    try {
      await makeRoot({ signal: connection.gone });
    } catch (error) {
      log.warn(
        {
          reason: messageOf(error),
          fix: `create ${settings.chroot}, or let these credentials create it`,
        },
        'cannot create the chroot',
      );
    }
  }

  const core: Core = {
    operations,
    nodes,
    watches,
    acl,
    connected,
    epoch: () => epoch,
    sessionId: () => link.credentials?.id.readBigInt64BE() ?? 0n,
    isFormer: link.isFormer,
    kept: new Set(),
    inherited: createInherited(options.resume?.paths ?? [], (path, within) =>
      operations.submit(get(path, { kind: 'look' }), within).then(({ data: content }) => content),
    ),
    resumed: options.resume !== undefined,
    timeout: () => link.timeout,
    resyncInterval: settings.resyncInterval,
    wholeNames: options.wholeNames ?? (() => false),
    reading: createGate(32),
    sweeping: createGate(2),
    signal: users.signal,
    log,
    measures,
  };

  const running = link.run(linked.signal);
  const ending = createEnding({
    core,
    link,
    shut() {
      operations.shut();
      unrooted.shut();
    },
    leave: () => users.abort(),
    async stop() {
      linked.abort();
      await running;
      states.move('closed');
      log.info('zookeeper session closed');
    },
  });

  return {
    get state() {
      return states.present;
    },
    get server() {
      return link.connection?.server;
    },
    get id() {
      return link.credentials && shown(link.credentials);
    },
    states: states.values,
    ...nodes,
    ephemeral: (node, signal) => keepEphemeral(core, node, signal),
    children: (path, signal, onMissing) => children(core, path, signal, onMissing),
    data: (path, signal) => data(core, path, signal),
    owns: (owner) => owner === core.sessionId() || core.isFormer(owner),
    dropUnclaimed: (isLeft, within) => dropUnclaimed(core, isLeft, within),
    unclaimed: core.inherited.paths,
    ...ending,
    [Symbol.asyncDispose]: ending.close,
  };
}

import { type Log, messageOf, silentLog } from '@smartstack/daemon';

import { format } from '../connection/address.ts';
import { hexIdOf } from '../connection/credentials.ts';
import type { Session, SessionOptions } from '../contract.ts';
import { dropUnclaimed } from '../ephemeral/drop-unclaimed.ts';
import { keepEphemeral } from '../ephemeral/ephemeral.ts';
import { createUnclaimed } from '../ephemeral/unclaimed.ts';
import { createGate } from '../operations/gate.ts';
import { createNodes } from '../operations/nodes.ts';
import { createOperations } from '../operations/operations.ts';
import { children } from '../watch/children.ts';
import { data } from '../watch/data.ts';
import { createWatches } from '../watch/watches.ts';
import { toAcls } from '../wire/acl.ts';
import { createChroot } from './chroot.ts';
import type { SessionContext } from './context.ts';
import { createEmitter } from './emitter.ts';
import { createEnding } from './ending.ts';
import { createMeasures } from './metrics.ts';
import { settingsOf } from './options.ts';
import { createReestablisher } from './reestablish.ts';
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
  const leaving = new AbortController();
  const stopping = new AbortController();
  const states = createStates(measures.state);
  const watches = createWatches();
  const connected = createEmitter<void>();
  const acl = toAcls(options.acl);

  const operations = createOperations({
    chroot: settings.chroot,
    inFlight: settings.inFlight,
    readBudget: options.readBudget,
    onEvent: (path, type) => watches.dispatch({ path, type }),
    onSettled: measures.operation,
    whyDown: () => reestablisher.failure,
  });
  const deadline = () => reestablisher.timeout;
  const chroot = createChroot({ path: settings.chroot, acl, deadline, log });
  const nodes = createNodes({ operations, acl, deadline, makeRoot: chroot.make });

  const reestablisher = createReestablisher({
    settings,
    states,
    measures,
    log,
    leaving: leaving.signal,
    async prepare(connection, isNew) {
      if (isNew) await notify(options, log);
      await chroot.prepare(connection, isNew);
    },
    onConnected(connection) {
      operations.attach(connection);
      connected.emit();
    },
  });
  const { identity } = reestablisher;

  const context: SessionContext = {
    operations,
    nodes,
    watches,
    acl,
    connected,
    epoch: () => reestablisher.epoch,
    identity,
    kept: new Set(),
    unclaimed: createUnclaimed(options.resume?.paths ?? [], operations),
    resumed: options.resume !== undefined,
    resyncInterval: settings.resyncInterval,
    wholeNames: options.wholeNames ?? (() => false),
    readGate: createGate(32),
    backgroundGate: createGate(2),
    signal: leaving.signal,
    log,
    measures,
  };

  const running = reestablisher.run(stopping.signal);
  const ending = createEnding({
    context,
    reestablisher,
    shut() {
      operations.shut();
      chroot.shut();
    },
    leave: () => leaving.abort(),
    async stop() {
      stopping.abort();
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
      return reestablisher.connection?.server;
    },
    get id() {
      return identity.credentials && hexIdOf(identity.credentials);
    },
    states: states.values,
    ...nodes,
    ephemeral: (node, signal) => keepEphemeral(context, node, signal),
    children: (path, signal, onMissing) => children(context, path, signal, onMissing),
    data: (path, signal) => data(context, path, signal),
    owns: identity.owns,
    dropUnclaimed: (isStale, within) => dropUnclaimed(context, isStale, within),
    unclaimed: context.unclaimed.paths,
    ...ending,
  };
}

/** Waits for the user's own `onSession`, whose failure does not end the session. */
async function notify(options: SessionOptions, log: Log): Promise<void> {
  try {
    await options.onSession?.();
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'cannot save a new session');
  }
}

/** The reason of an aborted signal when announcements stay in the registry for the next nerve to take over. */
export class HandOff extends Error {
  override readonly name = 'HandOff';
  constructor() {
    super('handed off to the next nerve');
  }
}

/** Handles SIGUSR2 before nerve has taken anything over: there is nothing to hand off, so it exits. */
export function exitNow(): never {
  process.exit(0);
}

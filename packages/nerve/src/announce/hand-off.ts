/** Why a signal was aborted when announcements are to stay for a next nerve. */
export class HandOff extends Error {
  override readonly name = 'HandOff';
  constructor() {
    super('handed off to the next nerve');
  }
}

/** Ends a nerve that has not taken anything over yet. */
export function leaveAtOnce(): never {
  process.exit(0);
}

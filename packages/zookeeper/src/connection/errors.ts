/** The server ended the session, or does not know it; its ephemeral nodes are gone. */
export class SessionExpired extends Error {
  override readonly name = 'SessionExpired';
}

/** The server did not answer in time. */
export class HandshakeTimeout extends Error {
  override readonly name = 'HandshakeTimeout';
}

/** The server closed the connection in place of an answer: it does not serve now, or is behind what the session has seen. */
export class TurnedAway extends Error {
  override readonly name = 'TurnedAway';
}

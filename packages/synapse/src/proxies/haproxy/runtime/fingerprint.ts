/** Takes bytes of `show servers state` as they come, and says at the end what they amount to. */
export interface Fingerprint {
  take(piece: Buffer): void;
  /** The same for two answers that differ by ages alone. */
  value(): number;
}

/** `srv_time_since_last_change`, which is another each second. */
const ageColumn = 9;
const [space, newline] = [32, 10];

/** FNV-1a over all columns but the age: nothing is kept and nothing parsed, however many servers there are. */
export function createFingerprint(): Fingerprint {
  let hash = 0x811c9dc5;
  let column = 0;
  return {
    take: (piece) => {
      for (let at = 0; at < piece.length; at += 1) {
        const byte = piece[at] ?? 0;
        if (byte === newline) column = 0;
        else if (byte === space) column += 1;
        else if (column === ageColumn) continue;
        hash = Math.imul(hash ^ byte, 0x01000193);
      }
    },
    value: () => hash >>> 0,
  };
}

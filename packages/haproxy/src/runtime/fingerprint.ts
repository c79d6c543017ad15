/** Takes bytes of `show servers state` as they come, and says at the end what they amount to. */
export interface Fingerprints {
  take(piece: Buffer): void;
  /** By backend; the same for two answers that differ by ages alone. A backend without servers is missing. */
  values(): ReadonlyMap<string, number>;
}

/** `be_name`, and `srv_time_since_last_change`, which is another each second. */
const [nameColumn, ageColumn] = [1, 9];
const [space, newline, hash] = [32, 10, 35];
const start = 0x811c9dc5;

/** FNV-1a over all columns but the age: nothing but a name is kept of a backend, however many servers it has. */
export function createFingerprints(): Fingerprints {
  const values = new Map<string, number>();
  let column = 0;
  let isRow = true;
  const name: number[] = [];
  /** Of the row before: rows of one backend follow each other. */
  let last: number[] = [];
  let value = start;

  function put(): void {
    if (last.length > 0) values.set(String.fromCharCode(...last), value >>> 0);
  }

  function nameEnds(): void {
    if (name.length === last.length && name.every((byte, at) => byte === last[at])) return;
    put();
    last = [...name];
    value = start;
  }

  return {
    take: (piece) => {
      for (let at = 0; at < piece.length; at += 1) {
        const byte = piece[at] ?? 0;
        if (byte === newline) {
          column = 0;
          isRow = true;
          name.length = 0;
        } else if (!isRow) continue;
        else if (byte === space) {
          if (column === nameColumn) nameEnds();
          column += 1;
        } else if (column === 0) isRow = byte !== hash;
        else if (column === nameColumn) name.push(byte);
        else if (column !== ageColumn) value = Math.imul(value ^ byte, 0x01000193);
      }
    },
    values: () => {
      put();
      return values;
    },
  };
}

/** The same of a whole answer. */
export function fingerprintsOf(text: string): ReadonlyMap<string, number> {
  const fingerprints = createFingerprints();
  fingerprints.take(Buffer.from(text));
  return fingerprints.values();
}

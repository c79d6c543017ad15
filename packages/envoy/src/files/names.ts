import { createHash } from 'node:crypto';

/** What the folder of endpoints is called. */
export const endpointsFolder = 'eds';

/** What the file of all clusters is called. */
export const clustersFile = 'cds.json';

/** The longest name that every file system takes has 255 bytes; a temporary file's is longer than its file's. */
const longest = 200;

/** What the file of a cluster's endpoints is called: `web.json`; a character that is not plain stands as `%2F`. */
export function endpointsFile(cluster: string): string {
  const plain = cluster.replace(/^\.|[^A-Za-z0-9_.=-]/gu, encoded);
  if (plain.length <= longest) return `${plain}.json`;
  const hash = createHash('sha1').update(cluster).digest('hex').slice(0, 16);
  return `${plain.slice(0, longest - 17)}.${hash}.json`;
}

const encoded = (character: string) =>
  Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '%$&');

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate with its key, as PEM files and as their text. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  /** A file with key and certificate, as ZooKeeper's PEM key store wants it. */
  readonly store: string;
}

/** A certificate authority for one test. */
export interface Authority extends AsyncDisposable {
  readonly cert: string;
  /** The file with the authority's certificate. */
  readonly file: string;
  /** Signs a certificate for these names, such as `DNS:localhost` and `IP:127.0.0.1`. */
  issue(name: string, ...names: readonly string[]): Promise<Identity>;
}

/** Makes an authority with openssl, in a temporary folder. */
export async function startAuthority(name = 'authority'): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'certificates-'));
  const at = (file: string) => join(folder, file);
  const openssl = (...args: readonly string[]) => run('openssl', args, { cwd: folder });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const ca = ['-keyout', 'ca.key', '-out', 'ca.pem', '-subj', `/CN=${name}`, '-days', '2'];
  await openssl('req', '-x509', ...newKey, ...ca);

  return {
    cert: await readFile(at('ca.pem'), 'utf8'),
    file: at('ca.pem'),
    async issue(subject, ...names) {
      const own = (suffix: string) => `${subject}.${suffix}`;
      const request = ['-keyout', own('key'), '-out', own('csr'), '-subj', `/CN=${subject}`];
      await openssl('req', ...newKey, ...request);
      const extensions = names.length > 0 ? `subjectAltName=${names.join(',')}` : '';
      await writeFile(at(own('ext')), extensions);
      const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
      const files = ['-in', own('csr'), '-out', own('pem'), '-extfile', own('ext')];
      await openssl('x509', '-req', ...signer, ...files);
      const key = await readFile(at(own('key')), 'utf8');
      const cert = await readFile(at(own('pem')), 'utf8');
      await writeFile(at(own('store.pem')), key + cert);
      return { cert, key, store: at(own('store.pem')) };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

import { X509Certificate } from 'node:crypto';

/** Throws where a file of authorities holds no certificate: Node.js itself would trust no server, without an error. */
export function judgeAuthority(pem: string | Buffer): void {
  const first = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/s.exec(
    pem.toString(),
  )?.[0];
  if (first === undefined) throw new Error('no certificate in it');
  new X509Certificate(first);
}

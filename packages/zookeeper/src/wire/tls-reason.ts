import { hasCode, messageOf } from '@smartstack/daemon';

const unknownAuthority = [
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
];

/** Java 17.0.15 says which of these it is; 17.0.19 says `handshake_failure` when it got no certificate. */
const refusal =
  /ALERT_(BAD_CERTIFICATE|CERTIFICATE_REQUIRED|CERTIFICATE_UNKNOWN|UNKNOWN_CA|HANDSHAKE_FAILURE)$/;

/** What a TLS error means and how to fix it, with Node's or OpenSSL's code; undefined for other errors. */
export function reasonOfTls(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error)) return undefined;
  const code = String(error.code);
  if (unknownAuthority.includes(code))
    return `the server's certificate is not signed by a trusted authority (${code})`;
  if (hasCode(error, 'ERR_TLS_CERT_ALTNAME_INVALID'))
    return `the server's certificate is for another host name (${messageOf(error)})`;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `the server's certificate is not valid now (${code})`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return `the server does not speak TLS (${code})`;
  if (refusal.test(code))
    return `the server refused our client certificate, or asks for one (${code})`;
  if (error.message.includes('before secure TLS connection'))
    return `the server ended the TLS handshake; does it speak TLS on this port? (${code})`;
  return undefined;
}

import { type Log, messageOf, readRegularFile, readRegularText } from '@smartstack/daemon';

import { createHttpClient, type HttpClient } from '../http/client.ts';
import { createFromFiles } from '../http/from-files.ts';
import { createTlsFiles, type TlsMaterial, tlsMaterialOf } from '../http/tls-material.ts';
import { createTokenFile } from '../http/token-file.ts';
import { createExecCredentials, type ExecCredential } from './exec-plugin.ts';
import { type KubeContext, type Pem, readKubeconfig } from './kubeconfig.ts';
import type { KubernetesServer } from './section.ts';

/** An API server, with who asks it. What its files say is read again when they change. */
export interface Cluster extends Disposable {
  /** Rejects while it is not known where the server is, or who asks. */
  connect(signal: AbortSignal): Promise<Connection>;
}

export interface Connection {
  readonly client: HttpClient;
  /** The namespace of services that name none. */
  readonly namespace: string;
  /** The server has refused the credentials: others are asked for where that is possible. */
  refused(): void;
}

export interface ClusterOptions {
  readonly server: KubernetesServer;
  readonly log: Log;
  /** Where a pod finds its service account. */
  readonly serviceAccount?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The kubeconfig is looked at no more often than this, in milliseconds; by default once a second. */
  readonly pause?: number | undefined;
}

/** Where Kubernetes puts a pod's service account. */
export const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

export function createCluster(options: ClusterOptions): Cluster {
  const { kubeconfig, server } = options.server;
  if (kubeconfig !== undefined) return ofKubeconfig(kubeconfig, options);
  if (server !== undefined) return ofServer(new URL(server), options);
  return ofServiceAccount(options);
}

function ofServer(url: URL, { server: { tls, token_file: file }, log }: ClusterOptions): Cluster {
  const token = file === undefined ? undefined : createTokenFile(file, log);
  return fixed({
    url,
    tls: tls && createTlsFiles(tls, log),
    ...(token && { headers: async () => bearer(await token()) }),
  });
}

/** The server and the files of the pod's service account; the token is a new one every hour or so. */
function ofServiceAccount({
  log,
  serviceAccount: folder = serviceAccountFolder,
  environment = process.env,
}: ClusterOptions): Cluster {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  if (!host)
    return failing(
      'no Kubernetes API server is known: set kubernetes.kubeconfig or kubernetes.server; this does not run in a pod',
    );
  const token = createTokenFile(`${folder}/token`, log);
  return fixed(
    {
      url: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
      tls: createTlsFiles({ ca: `${folder}/ca.crt`, insecure: false }, log),
      headers: async () => bearer(await token()),
    },
    async () => (await readRegularText(`${folder}/namespace`).catch(() => '')).trim(),
  );
}

function fixed(
  options: Parameters<typeof createHttpClient>[0],
  namespace: () => Promise<string> = async () => '',
): Cluster {
  const client = createHttpClient(options);
  return {
    connect: async () => ({
      client,
      namespace: (await namespace()) || 'default',
      refused: () => {},
    }),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

function failing(reason: string): Cluster {
  return { connect: () => Promise.reject(new Error(reason)), [Symbol.dispose]: () => {} };
}

/** A context with all that it names read, and what of it changes between two requests. */
interface Opened {
  readonly context: KubeContext;
  readonly connection: Connection;
}

function ofKubeconfig(
  file: string,
  { server: { context: name }, log, pause }: ClusterOptions,
): Cluster {
  let opened: Opened | undefined;
  const read = createFromFiles({
    files: [file],
    what: 'kubeconfig',
    log,
    pause,
    make: async () => readKubeconfig(file, await readRegularText(file), name),
  });
  return {
    connect: async () => {
      const context = await read();
      if (opened?.context !== context) {
        opened?.connection.client[Symbol.dispose]();
        opened = { context, connection: open(context, log) };
      }
      return opened.connection;
    },
    [Symbol.dispose]: () => opened?.connection.client[Symbol.dispose](),
  };
}

/** A client for a context; asks an exec plugin where it has one. */
function open(
  { server: url, namespace = 'default', tls, user, cluster }: KubeContext,
  log: Log,
): Connection {
  const exec = user.type === 'exec' && createExecCredentials({ plugin: user.plugin, cluster, log });
  const tokenFile = user.type === 'token_file' ? createTokenFile(user.file, log) : undefined;
  let shown: ExecCredential | undefined;
  const credential = async (signal: AbortSignal) => {
    shown = exec ? await exec.current(signal) : undefined;
    return shown;
  };
  const headers = async (signal: AbortSignal): Promise<Readonly<Record<string, string>>> => {
    // As kubectl does it: what proves who asks is not for everybody on the way.
    if (url.protocol === 'http:') return {};
    if (user.type === 'token') return bearer(user.token);
    if (tokenFile) return bearer(await tokenFile());
    if (user.type === 'basic') {
      const pair = Buffer.from(`${user.username}:${user.password}`).toString('base64');
      return { authorization: `Basic ${pair}` };
    }
    const { token } = (await credential(signal)) ?? {};
    return token === undefined ? {} : bearer(token);
  };
  const material = createMaterial(tls, log);
  return {
    namespace,
    client: createHttpClient({ url, headers, tls: () => material(shown) }),
    refused: () => exec && shown && exec.refuse(shown),
  };
}

/** The context's certificates, with those of an exec plugin in place of the user's. */
function createMaterial({ ca, cert, key, serverName, insecure }: KubeContext['tls'], log: Log) {
  const files = [ca, cert, key].flatMap((pem) => (pem && 'file' in pem ? [pem.file] : []));
  const read = createFromFiles({
    files,
    what: 'certificates',
    log,
    make: async () => {
      const [authority, own, secret] = await Promise.all([ca, cert, key].map(textOf));
      const texts = { ca: authority, cert: own, key: secret, serverName, insecure };
      return { texts, material: materialOf(files, () => tlsMaterialOf(texts)) };
    },
  });
  let made: { readonly of: readonly unknown[]; readonly material: TlsMaterial } | undefined;
  return async (own: ExecCredential | undefined): Promise<TlsMaterial> => {
    const { texts, material } = await read();
    if (!own?.cert) return material;
    if (made?.of[0] === texts && made.of[1] === own.cert) return made.material;
    const both = tlsMaterialOf({ ...texts, cert: own.cert, key: own.key });
    made = { of: [texts, own.cert], material: both };
    return both;
  };
}

const textOf = async (pem: Pem | undefined) =>
  pem && ('file' in pem ? readRegularFile(pem.file) : pem.text);

/** OpenSSL's errors name no file. */
function materialOf(files: readonly string[], make: () => TlsMaterial): TlsMaterial {
  try {
    return make();
  } catch (error) {
    const names = files.length > 0 ? files.join(', ') : "the kubeconfig's certificates";
    throw new Error(`cannot use ${names}: ${messageOf(error)}`, { cause: error });
  }
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

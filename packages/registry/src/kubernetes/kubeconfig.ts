import { dirname, resolve } from 'node:path';

import { messageOf, parseSource } from '@smartstack/daemon';
import { z } from 'zod';

/** What a kubeconfig's context says: the server, and who asks. Paths are absolute. */
export interface KubeContext {
  readonly name: string;
  readonly server: URL;
  readonly namespace: string | undefined;
  readonly tls: {
    readonly ca?: Pem | undefined;
    readonly cert?: Pem | undefined;
    readonly key?: Pem | undefined;
    readonly serverName?: string | undefined;
    readonly insecure?: boolean | undefined;
  };
  readonly user: KubeUser;
  /** What an exec plugin may be told of the cluster. */
  readonly cluster: Readonly<Record<string, unknown>>;
}

/** A PEM text, or the file that holds it. */
export type Pem = { readonly text: Buffer } | { readonly file: string };

export type KubeUser =
  | { readonly type: 'none' }
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'token_file'; readonly file: string }
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  | { readonly type: 'exec'; readonly plugin: ExecPlugin };

export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint: string | undefined;
  readonly isToldCluster: boolean;
}

const text = z.string().nullish();
const flag = z.boolean().nullish();
const name = z.string();

const clusterSchema = z.object({
  server: text,
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': flag,
  'tls-server-name': text,
  'proxy-url': text,
  extensions: z.array(z.object({ name: z.string(), extension: z.unknown() })).nullish(),
});

const execSchema = z.object({
  apiVersion: text,
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: text,
  provideClusterInfo: flag,
  interactiveMode: text,
});

const userSchema = z.object({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  as: text,
  'auth-provider': z.unknown().optional(),
  exec: execSchema.nullish(),
});

const contextSchema = z.object({ cluster: text, user: text, namespace: text });

type User = Partial<z.output<typeof userSchema>>;

const fileSchema = z.object({
  'current-context': text,
  clusters: z.array(z.object({ name, cluster: clusterSchema })).nullish(),
  contexts: z.array(z.object({ name, context: contextSchema })).nullish(),
  users: z.array(z.object({ name, user: userSchema })).nullish(),
});

/** The context of a kubeconfig's text; throws with what is wrong or not supported. */
export function readKubeconfig(file: string, written: string, context?: string): KubeContext {
  const parsed = fileSchema.safeParse(parseSource(file, written).value);
  if (!parsed.success) throw new Error(`${file} is no kubeconfig: ${messageOf(parsed.error)}`);
  const { clusters, contexts, users, ...config } = parsed.data;
  const wanted = context || config['current-context'];
  if (!wanted) throw new Error(`${file} has no current-context; set kubernetes.context`);
  const chosen = find(file, 'context', contexts, wanted).context;
  const cluster = find(file, 'cluster', clusters, chosen.cluster ?? '').cluster;
  const user: User = chosen.user ? find(file, 'user', users, chosen.user).user : {};
  const at = (path: string) => resolve(dirname(file), path);
  refuse(file, wanted, cluster, user);
  const { 'tls-server-name': serverName } = cluster;
  return {
    name: wanted,
    server: serverOf(file, wanted, cluster.server),
    namespace: chosen.namespace || undefined,
    tls: {
      ca: pemOf(cluster['certificate-authority-data'], cluster['certificate-authority'], at),
      cert: pemOf(user['client-certificate-data'], user['client-certificate'], at),
      key: pemOf(user['client-key-data'], user['client-key'], at),
      serverName: serverName || undefined,
      insecure: cluster['insecure-skip-tls-verify'] ?? false,
    },
    user: userOf(user, at),
    cluster: clusterInfo(cluster),
  };
}

function find<Item extends { readonly name: string }>(
  file: string,
  kind: string,
  list: readonly Item[] | null | undefined,
  name: string,
): Item {
  const found = list?.find((each) => each.name === name);
  if (found) return found;
  const there = list?.map((each) => each.name).join(', ') || 'none';
  throw new Error(
    `${file} has no ${kind} ${name === '' ? 'with an empty name' : name}; it has ${there}`,
  );
}

/** What would be ignored otherwise, and then fail in ways that are hard to understand. */
function refuse(
  file: string,
  context: string,
  cluster: z.output<typeof clusterSchema>,
  user: User,
): void {
  const unsupported = [
    [cluster['proxy-url'], 'proxy-url is not supported: reach the server directly'],
    [user.as, 'as (impersonation) is not supported: use a user of its own'],
    [user['auth-provider'], 'auth-provider is not supported, nor by kubectl since 1.26: use exec'],
    [
      user.exec?.interactiveMode === 'Always',
      'an exec plugin that asks somebody (interactiveMode: Always) cannot be used by a daemon',
    ],
  ] as const;
  const found = unsupported.find(([value]) => value);
  if (found) throw new Error(`cannot use context ${context} of ${file}: ${found[1]}`);
}

function serverOf(file: string, context: string, server: string | null | undefined): URL {
  const url = URL.canParse(server ?? '') ? new URL(server ?? '') : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new Error(
    `cannot use context ${context} of ${file}: its cluster has no server with http or https`,
  );
}

function pemOf(
  data: string | null | undefined,
  file: string | null | undefined,
  at: (path: string) => string,
): Pem | undefined {
  if (data) return { text: Buffer.from(data, 'base64') };
  return file ? { file: at(file) } : undefined;
}

/** In the order in which kubectl looks at them. */
function userOf(user: User, at: (path: string) => string): KubeUser {
  const { token, tokenFile, username, password, exec } = user;
  if (tokenFile) return { type: 'token_file', file: at(tokenFile) };
  if (token) return { type: 'token', token };
  if (username) return { type: 'basic', username, password: password ?? '' };
  return exec ? { type: 'exec', plugin: pluginOf(exec, at) } : { type: 'none' };
}

function pluginOf(exec: z.output<typeof execSchema>, at: (path: string) => string): ExecPlugin {
  const { apiVersion, command, args, env, installHint, provideClusterInfo } = exec;
  return {
    apiVersion: apiVersion || 'client.authentication.k8s.io/v1',
    // A bare name is looked for in PATH; a relative path is one from the file.
    command: command.includes('/') ? at(command) : command,
    args: args ?? [],
    env: Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
    installHint: installHint || undefined,
    isToldCluster: provideClusterInfo ?? false,
  };
}

function clusterInfo(cluster: z.output<typeof clusterSchema>): Readonly<Record<string, unknown>> {
  const config = cluster.extensions?.find(
    ({ name }) => name === 'client.authentication.k8s.io/exec',
  )?.extension;
  const keys = [
    'server',
    'tls-server-name',
    'insecure-skip-tls-verify',
    'certificate-authority-data',
  ] as const;
  const told = keys.flatMap((key) => (cluster[key] ? [[key, cluster[key]]] : []));
  return { ...Object.fromEntries(told), ...(config !== undefined && { config }) };
}

import { execFile } from 'node:child_process';

import { type Log, messageOf } from '@smartstack/daemon';
import { z } from 'zod';

import { orAborted } from '../or-aborted.ts';
import type { ExecPlugin } from './kubeconfig.ts';

/** What a plugin gave: a token, or a certificate with its key, or both. */
export interface ExecCredential {
  readonly token?: string | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

/** A plugin's credential, kept until it expires. */
export interface ExecCredentials {
  /** Runs the plugin where there is none that is good; while one is, a plugin that fails is no failure. */
  current(signal: AbortSignal): Promise<ExecCredential>;
  /** The server has refused this one: the next is asked for. */
  refuse(credential: ExecCredential): void;
}

export interface ExecOptions {
  readonly plugin: ExecPlugin;
  /** What the plugin is told of the cluster where it wants that. */
  readonly cluster: Readonly<Record<string, unknown>>;
  readonly log: Log;
  readonly now?: () => number;
  /** How long the plugin may take, in milliseconds. */
  readonly timeout?: number;
}

const versions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];
const mostOutput = 1024 * 1024;
/** A credential is replaced so long before it expires, or at half of its time; in milliseconds. */
const early = 60_000;

const text = z.string().min(1).optional();
const answer = z.object({
  kind: z.literal('ExecCredential'),
  apiVersion: z.string(),
  status: z.object({
    expirationTimestamp: z.iso.datetime({ offset: true }).optional(),
    token: text,
    clientCertificateData: text,
    clientKeyData: text,
  }),
});

interface Held {
  readonly credential: ExecCredential;
  readonly renewAt: number;
  readonly expiresAt: number;
}

export function createExecCredentials(options: ExecOptions): ExecCredentials {
  const { plugin, log, now = Date.now } = options;
  if (!versions.includes(plugin.apiVersion))
    throw new Error(
      `cannot run ${plugin.command}: ${plugin.apiVersion} is not supported, but ${versions.join(' and ')} are`,
    );
  let held: Held | undefined;
  let running: Promise<ExecCredential> | undefined;
  /** Ends the plugin that runs once nobody waits for it any more. */
  let ended = new AbortController();
  let waiting = 0;
  let complaint = '';

  async function renew(signal: AbortSignal): Promise<ExecCredential> {
    try {
      held = await run(options, now, signal);
      complaint = '';
    } catch (error) {
      signal.throwIfAborted();
      if (!held || now() >= held.expiresAt) throw error;
      const reason = messageOf(error);
      if (reason !== complaint)
        log.warn({ reason, fix: 'run it by hand' }, 'exec plugin failed; its last token is used');
      complaint = reason;
      // Not again with each request.
      held = { ...held, renewAt: Math.min(now() + 10_000, held.expiresAt) };
    }
    return held.credential;
  }

  return {
    current: async (signal) => {
      if (held && now() < held.renewAt) return held.credential;
      signal.throwIfAborted();
      if (!running) {
        ended = new AbortController();
        running = renew(ended.signal).finally(() => {
          running = undefined;
        });
      }
      waiting += 1;
      try {
        return await orAborted(running, signal);
      } finally {
        waiting -= 1;
        if (waiting === 0) ended.abort();
      }
    },
    refuse: (credential) => {
      if (held?.credential === credential) held = undefined;
    },
  };
}

async function run(options: ExecOptions, now: () => number, signal: AbortSignal): Promise<Held> {
  const { plugin } = options;
  const begin = now();
  const output = await outputOf(options, signal);
  const read = answer.safeParse(parsed(output));
  if (!read.success) throw failure(plugin, 'it wrote no ExecCredential with a status');
  const { apiVersion, status } = read.data;
  if (apiVersion !== plugin.apiVersion)
    throw failure(plugin, `it wrote ${apiVersion}, but ${plugin.apiVersion} is configured`);
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status;
  if ((cert === undefined) !== (key === undefined))
    throw failure(plugin, 'it gave a certificate without its key, or a key alone');
  if (token === undefined && cert === undefined)
    throw failure(plugin, 'it gave neither a token nor a certificate');
  const expiresAt = expirationTimestamp
    ? Date.parse(expirationTimestamp)
    : Number.POSITIVE_INFINITY;
  return {
    expiresAt,
    renewAt: expiresAt - Math.min(early, Math.max(0, expiresAt - begin) / 2),
    credential: {
      token,
      ...(cert !== undefined && { cert: Buffer.from(cert) }),
      ...(key !== undefined && { key: Buffer.from(key) }),
    },
  };
}

function outputOf(
  { plugin, cluster, timeout = 30_000 }: ExecOptions,
  signal: AbortSignal,
): Promise<string> {
  const { apiVersion, command, args, env, installHint } = plugin;
  const spec = { interactive: false, ...(plugin.isToldCluster && { cluster }) };
  const info = JSON.stringify({ kind: 'ExecCredential', apiVersion, spec });
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      {
        env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: info },
        timeout,
        maxBuffer: mostOutput,
        killSignal: 'SIGKILL',
        signal,
      },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        reject(failure(plugin, whyOf(error, { stderr, timeout, installHint })));
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end();
  });
}

function whyOf(
  error: Error & { code?: string | number | null; killed?: boolean },
  {
    stderr,
    timeout,
    installHint,
  }: { stderr: string; timeout: number; installHint: string | undefined },
): string {
  if (error.code === 'ENOENT')
    return `it is not installed${installHint === undefined ? '' : `: ${oneLine(installHint)}`}`;
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
    return `it wrote more than ${mostOutput} bytes`;
  if (error.killed) return `it did not end in ${timeout} ms`;
  const said = oneLine(stderr);
  const ended = typeof error.code === 'number' ? `it ended with ${error.code}` : error.message;
  return said === '' ? ended : `${ended}: ${said}`;
}

const oneLine = (text: string) =>
  text
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 300);

function parsed(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return undefined;
  }
}

function failure({ command }: ExecPlugin, why: string): Error {
  return new Error(`cannot get credentials from ${command}: ${why}`);
}

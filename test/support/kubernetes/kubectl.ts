import { writeFile } from 'node:fs/promises';

import { execa } from 'execa';

/** The real kubectl against one API server, with a kubeconfig of its own and no cache. */
export interface Kubectl {
  readonly kubeconfig: string;
  /** Runs it; its output. Rejects with what it complained about. */
  run(...args: readonly string[]): Promise<string>;
  /** The same with something at its standard input. */
  pipe(input: unknown, ...args: readonly string[]): Promise<string>;
  /** Starts it, such as `get -w`; ends it when the signal aborts. */
  start(signal: AbortSignal, ...args: readonly string[]): { lines(): readonly string[] };
}

export async function createKubectl(
  { url, token, ca }: { readonly url: string; readonly token?: string; readonly ca?: string },
  folder: string,
): Promise<Kubectl> {
  const kubeconfig = `${folder}/kubeconfig`;
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': ca } }],
      users: [{ name: 'test', user: token === undefined ? {} : { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'shop' } }],
    }),
  );
  const always = ['--kubeconfig', kubeconfig, '--cache-dir', `${folder}/cache`];
  const env = { HOME: folder };
  const program = process.env.KUBECTL ?? 'kubectl';
  return {
    kubeconfig,
    run: async (...args) => (await execa(program, [...always, ...args], { env })).stdout,
    pipe: async (input, ...args) =>
      (await execa(program, [...always, ...args], { env, input: JSON.stringify(input) })).stdout,
    start: (cancelSignal, ...args) => {
      let text = '';
      const child = execa(program, [...always, ...args], { env, cancelSignal, reject: false });
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      return { lines: () => text.split('\n').filter((line) => line !== '') };
    },
  };
}

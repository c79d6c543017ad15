import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { execa } from 'execa';

/** What an application got, by the member's name or the status, how often. */
export type Answers = Readonly<Record<string, number>>;

export interface Calls {
  /** What is called: `xds:///` and this. */
  readonly service: string;
  readonly count?: number;
  readonly path?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** In milliseconds. */
  readonly deadline?: number;
  /** How many at a time. */
  readonly parallel?: number;
}

/** A gRPC application in a process of its own, which calls services without a proxy. */
export interface Application extends AsyncDisposable {
  call(calls: Calls): Promise<{ readonly answers: Answers; readonly took: number }>;
  /** Calls on and on, a few at a time. */
  start(calls: Calls): Promise<void>;
  /** Ends that, and says what all calls got. */
  stop(): Promise<Answers>;
  /** What it wrote besides, such as what of xDS it refused. */
  log(): string;
}

const own = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The languages that applications here are written in, and how one is started. */
export const languages = {
  node: {
    title: '@grpc/grpc-js-xds',
    command: [process.execPath, '--import', 'tsx', own('client.ts')],
  },
  python: { title: 'gRPC’s C core (Python)', command: ['/usr/bin/python3', own('client.py')] },
} as const;

export type Language = keyof typeof languages;

/** Why there are no applications in Python here; undefined where there are. */
export function whyNoPython(): string | undefined {
  try {
    execFileSync('/usr/bin/python3', ['-c', 'import grpc'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no gRPC for Python here: apt-get install python3-grpcio';
  }
}

/** Starts an application that finds services by a bootstrap file. */
export function startApplication(language: Language, bootstrap: string): Application {
  const [program = '', ...args] = [...languages[language].command];
  const child = execa(program, args, {
    reject: false,
    buffer: false,
    env: { GRPC_XDS_BOOTSTRAP: bootstrap },
  });
  const answers = child.iterable({ from: 'stdout' })[Symbol.asyncIterator]();
  let said = '';
  child.stderr.on('data', (data) => {
    said += String(data);
  });
  const ask = async (op: string, calls?: Calls) => {
    child.stdin.write(`${JSON.stringify({ op, ...calls })}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error(`the application ended: ${said}`);
    return JSON.parse(String(value)) as { readonly answers: Answers; readonly took: number };
  };
  return {
    call: (calls) => ask('call', calls),
    start: async (calls) => {
      await ask('start', calls);
    },
    stop: async () => (await ask('stop')).answers,
    log: () => said,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await child;
    },
  };
}

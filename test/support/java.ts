import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';

export interface JavaOptions {
  readonly main: string;
  readonly args: readonly string[];
  /** System properties. */
  readonly properties?: Readonly<Record<string, string>>;
  /** What goes before `java`, such as `ip netns exec <name>`. */
  readonly prefix?: readonly string[];
  /** The file that standard output and standard error are appended to. */
  readonly log: string;
}

/** A Java program that was started; it does not outlive the process that started it. */
export interface Java {
  readonly pid: number;
  /** Resolves once it has ended. */
  readonly ended: Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

const smallAndQuick = [
  '-Xms32m',
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xshare:auto',
  '-XX:-UsePerfData',
];

/** Starts a Java program with ZooKeeper's classes. */
export async function startJava(options: JavaOptions): Promise<Java> {
  const { main, args, properties = {}, prefix = [], log } = options;
  const command = [
    ...prefix,
    ...endsWithParent(),
    'java',
    ...smallAndQuick,
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    '-cp',
    classPath(),
    main,
    ...args,
  ];
  const output = await open(log, 'a');
  const child = start(command, output);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  await output.close();
  return { pid: child.pid as number, ended, signal: (signal) => void child.kill(signal) };
}

function start([program, ...args]: readonly string[], output: FileHandle): ChildProcess {
  return spawn(program as string, args, { stdio: ['ignore', output.fd, output.fd] });
}

/** Has the kernel end the program when this process ends, however that comes; where there is such a thing. */
function endsWithParent(): readonly string[] {
  return existsSync('/usr/bin/setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];
}

/** The jars of `ZOOKEEPER_HOME`, else Debian's, whose manifest names what it needs except for TLS. */
function classPath(): string {
  const home = process.env.ZOOKEEPER_HOME;
  if (home !== undefined) return join(home, 'lib', '*');
  const jars = ['zookeeper', 'netty-codec', 'netty-transport-native-unix-common', 'slf4j-simple'];
  return jars.map((jar) => `/usr/share/java/${jar}.jar`).join(':');
}

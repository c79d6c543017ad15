import { messageOf, readRegularFile, UserError } from '@smartstack/daemon';
import { type SessionOptions, settingsOf } from '@smartstack/zookeeper';

import type { ZooKeeperSection } from './section.ts';

/** What is wrong with the files that a section names, by key; empty where sessions can be opened with them. */
export async function sessionProblems(
  section: ZooKeeperSection | undefined,
): Promise<readonly (readonly [path: readonly string[], message: string])[]> {
  if (!section) return [];
  const reading = filesOf(section).map(([path, file]) =>
    contentOf(file).then(
      () => [],
      (error: unknown) => [[path, messageOf(error)] as const],
    ),
  );
  const problems = (await Promise.all(reading)).flat();
  if (problems.length > 0) return problems;
  try {
    settingsOf({ hosts: ['localhost'], ...(await sessionOptionsOf(section)) });
    return [];
  } catch (error) {
    return [[['tls'], messageOf(error)]];
  }
}

/** The files that a section names, each with the path of its key. */
function filesOf({
  auth,
  tls,
}: ZooKeeperSection): readonly (readonly [path: readonly string[], file: string])[] {
  const files: (readonly [path: readonly string[], file: string])[] = [];
  if (auth?.password_file !== undefined)
    files.push([['auth', 'password_file'], auth.password_file]);
  for (const key of ['ca', 'cert', 'key'] as const)
    if (tls?.[key] !== undefined) files.push([['tls', key], tls[key]]);
  return files;
}

/** The options of every session that a daemon opens, with its files read; rejects with a `UserError` that names one which cannot be. */
export async function sessionOptionsOf(
  section: ZooKeeperSection | undefined,
): Promise<Partial<SessionOptions>> {
  if (!section) return {};
  const { session_timeout: timeout, auth: digest, tls, read_rate, read_burst } = section;
  return {
    ...(timeout !== undefined && { timeout }),
    ...(section.acl && { acl: section.acl }),
    ...(digest && {
      auth: {
        scheme: 'digest',
        user: digest.user,
        password: digest.password ?? (await secretIn(digest.password_file ?? '')),
      },
    }),
    ...(tls && { tls: await tlsOf(tls) }),
    readBudget: { perSecond: read_rate, burst: read_burst },
  };
}

async function tlsOf({
  server_name: serverName,
  insecure,
  ...files
}: NonNullable<ZooKeeperSection['tls']>): Promise<NonNullable<SessionOptions['tls']>> {
  const read = await Promise.all(
    Object.entries(files).map(async ([key, file]) => [key, file && (await contentOf(file))]),
  );
  return {
    insecure,
    ...(serverName !== undefined && { serverName }),
    ...(Object.fromEntries(read) as { ca?: Buffer; cert?: Buffer; key?: Buffer }),
  };
}

async function secretIn(file: string): Promise<string> {
  return (await contentOf(file)).toString().replace(/\r?\n$/, '');
}

async function contentOf(file: string): Promise<Buffer> {
  return readRegularFile(file, { limit: 1_048_576 }).catch((error: unknown) => {
    throw new UserError(
      `cannot read ${file} for ZooKeeper: ${messageOf(error)}; this daemon's user must be able to`,
      { cause: error },
    );
  });
}

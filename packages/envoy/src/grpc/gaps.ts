import { formatPath } from '@smartstack/daemon';
import { type MergedPolicy, originOf, type UsedWord, wordsOf } from '@smartstack/policy';

import { grpcMatchOf } from './match.ts';
import { callMethod, isRetried, mostAttempts } from './retried.ts';

/** A word of a policy that gRPC clients do not do, or do in another way. */
export interface GrpcNote {
  /** The word's path, such as `routes[1].mirror`. */
  readonly word: string;
  readonly why: string;
}

interface GrpcGap {
  /** Without indexes, such as `routes.mirror`; that of a route stands for its service's word, too. */
  readonly word: string;
  /** Of which values; all where it is left out. */
  concerns?(value: never): boolean;
  why(value: never): string;
}

/** What of a service's policy its gRPC clients do not do as a proxy does, word by word; words that are built in are left out. */
export function grpcNotes({
  policy: merged,
}: {
  readonly policy?: MergedPolicy | undefined;
}): readonly GrpcNote[] {
  if (!merged) return [];
  return wordsOf(merged.policy)
    .filter(({ path }) => originOf(merged, path) !== 'built-in')
    .flatMap((used) => notesOf(used));
}

function notesOf({ word, path, value }: UsedWord): readonly GrpcNote[] {
  const isIts = ({ word: own, concerns }: GrpcGap) =>
    (own === word || `routes.${own}` === word) && (concerns?.(value as never) ?? true);
  return gaps
    .filter(isIts)
    .map(({ why }) => ({ word: formatPath(path), why: why(value as never) }));
}

const gap = (word: string, why: string): GrpcGap => ({ word, why: () => why });

const noAnswer = 'a client answers no call by itself; it fails these, without a body';

const gaps: readonly GrpcGap[] = [
  gap(
    'timeouts.connect',
    'a client calls the members that it has connected to, and waits for none',
  ),
  gap(
    'timeouts.request',
    'clients give up to 2 s more: those on gRPC’s C core end a call 1 to 2 s before its time',
  ),
  gap('timeouts.per_try', 'a client has one deadline for all tries of a call'),
  gap('timeouts.idle', 'what a connection or a stream may wait is the application’s to say'),
  gap('timeouts.queue', 'a call waits for a member as long as its deadline lasts'),
  {
    word: 'retries.on',
    concerns: (causes: readonly Cause[]) => !causes.every(isRetried),
    why: (causes: readonly Cause[]) =>
      `a client tries nothing again after ${causes.filter((cause) => !isRetried(cause)).join(', ')}`,
  },
  {
    word: 'retries.methods',
    concerns: (methods: readonly string[]) => !methods.includes(callMethod),
    why: () => `every call is a ${callMethod}: only what was never sent is tried again`,
  },
  {
    word: 'retries.attempts',
    concerns: (attempts: number) => attempts > mostAttempts,
    why: () => `a client tries a call again ${mostAttempts} times at most`,
  },
  gap('retries.budget', 'xDS does not say it to clients'),
  gap('hedge', 'a client sends a call to one member at a time'),
  {
    word: 'balance',
    concerns: (balance: unknown) => balance === 'random',
    why: () => 'clients have it as round_robin',
  },
  {
    word: 'balance',
    concerns: (balance: unknown) => balance === 'least_request',
    why: () => 'clients that do not know it have round_robin: those in Java and Go do',
  },
  {
    word: 'balance',
    concerns: (balance: unknown) => typeof balance === 'object',
    why: (balance: object) =>
      `${'maglev' in balance ? 'clients have it as ring_hash, and ' : ''}older ones as round_robin: gRPC’s C core does before 1.55`,
  },
  {
    word: 'balance',
    concerns: (balance: unknown) => JSON.stringify(balance).includes('"cookie"'),
    why: () => 'calls have no cookies: each goes to a member at random',
  },
  gap(
    'outlier_ejection',
    'a client looks once in a `window` (10 s) whether more than 85 % of so many calls failed: every status but OK is a failure',
  ),
  gap('limits.connections', 'apps connect to nothing'),
  gap('limits.pending', 'a client holds calls by itself'),
  gap('limits.per_member', 'a client bounds the calls to all members together'),
  gap('limits.requests', 'each application counts its own calls'),
  gap('allow', 'apps connect to nothing'),
  gap('slow_start', 'a new member gets its full share at once'),
  gap(
    'panic',
    'a member that is ejected gets no calls; outlier_ejection.max_share bounds how many',
  ),
  gap('access_log', 'clients write no lines'),
  gap('request_id', 'clients add no headers'),
  gap('trace', 'the application traces its calls'),
  {
    word: 'routes.match',
    concerns: (match: object) => grpcMatchOf(match) === undefined,
    why: () => `no call is like that: each is a ${callMethod} to /package.Service/Method`,
  },
  gap('rewrite', 'clients change no path or host'),
  gap('headers', 'clients add no headers'),
  gap('mirror', 'a client sends a call to one member'),
  gap('rate_limit', 'clients count no calls in time'),
  gap('respond', noAnswer),
  gap('redirect', noAnswer),
];

type Cause = Parameters<typeof isRetried>[0];

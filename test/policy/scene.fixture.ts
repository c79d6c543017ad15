import { freePort } from '../support/ports.ts';
import type { Subject } from './subject.fixture.ts';
import { type Member, serviceOf, startMember, startWorld, type World } from './world.fixture.ts';

/** What one service of a scene is like. */
export interface Asked {
  readonly policy: object;
  /** The `version` of each member; two, `v1` and `v2`, unless told. */
  readonly versions?: readonly string[];
  /** Its members, where they are of another kind. */
  readonly members?: readonly Member[];
  readonly more?: object;
}

export interface Case {
  readonly members: readonly Member[];
  readonly port: number;
}

/** One service for each case, all in one synapse: their members are never shared. */
export interface Scene<Name extends string> extends AsyncDisposable {
  readonly world: World;
  readonly cases: Readonly<Record<Name, Case>>;
  /** What `world.change` takes, with other members of one case. */
  servicesWith(name: Name, members: readonly Member[]): object;
}

export async function startScene<Name extends string>(
  asked: Readonly<Record<Name, Asked>>,
  subject: Subject,
): Promise<Scene<Name>> {
  const names = Object.keys(asked) as Name[];
  const started = await Promise.all(
    names.map(async (name): Promise<readonly [Name, Case]> => {
      const { versions = ['v1', 'v2'], members } = asked[name];
      const own = versions.map((version, index) =>
        startMember(String.fromCharCode(97 + index), { version }),
      );
      return [name, { members: members ?? (await Promise.all(own)), port: await freePort() }];
    }),
  );
  const cases = Object.fromEntries(started) as Record<Name, Case>;
  const servicesWith = (changed?: Name, others: readonly Member[] = []) =>
    Object.fromEntries(
      names.map((name) => {
        const { policy, more } = asked[name];
        const members = name === changed ? others : cases[name].members;
        return [name, serviceOf(cases[name].port, members, policy, more)];
      }),
    );
  const world = await startWorld(servicesWith(), {}, subject);
  return {
    world,
    cases,
    servicesWith,
    [Symbol.asyncDispose]: async () => {
      await world[Symbol.asyncDispose]();
      for (const { members } of Object.values<Case>(cases))
        for (const member of members) await member[Symbol.asyncDispose]();
    },
  };
}

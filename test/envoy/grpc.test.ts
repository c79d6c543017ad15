import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  type Application,
  type Language,
  languages,
  whyNoPython,
} from './grpc/application.fixture.ts';
import { type GrpcMember, startGrpcMember } from './grpc/member.fixture.ts';
import { type GrpcScene, startGrpcScene } from './grpc/scene.fixture.ts';

const why = whyNoPython();
if (why !== undefined) process.stdout.write(`not run: gRPC’s C core: ${why}\n`);
const all = (Object.keys(languages) as Language[]).filter((one) => one !== 'python' || !why);

describe.each(all)('%s', (language) => {
  let web: readonly GrpcMember[];
  let scene: GrpcScene;
  let application: Application;

  beforeAll(async () => {
    web = await Promise.all(['a', 'b', 'c'].map((name) => startGrpcMember(name)));
    scene = await startGrpcScene({ web: { members: web } });
    application = scene.application(language, 'web');
  });
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  test('calls go to all members', async () => {
    const { answers } = await application.call({ count: 300 });
    expect(Object.keys(answers).sort()).toEqual(['a', 'b', 'c']);
    for (const count of Object.values(answers)) expect(count).toBeGreaterThan(60);
    expect(await scene.rejected()).toEqual([]);
  });
});

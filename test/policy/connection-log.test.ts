import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from '../support/until.ts';
import { refusing } from './hung.fixture.ts';
import { linesIn, logOf, raw } from './log.fixture.ts';
import { type Scene, startScene } from './scene.fixture.ts';
import { differs, subjects } from './subject.fixture.ts';
import { ask, late } from './world.fixture.ts';

const tcp = (idle: string) => ({
  policy: { access_log: 'json', timeouts: { idle } },
  more: { protocol: 'tcp' },
});
const asked = { tcp: tcp('700ms'), gone: tcp('10s'), text: { policy: { access_log: 'text' } } };
type Name = keyof typeof asked;

describe.each(subjects)('the access log of $title', (subject) => {
  let scene: Scene<Name>;
  beforeAll(async () => {
    const gone = { ...asked.gone, members: [await refusing('a')] };
    const one = { versions: ['v1'] };
    const cases = { tcp: { ...asked.tcp, ...one }, gone, text: { ...asked.text, ...one } };
    scene = await startScene<Name>(cases, subject);
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  const output = () => logOf(scene.world, subject);
  const lines = async () => linesIn(await output());

  test('connections say why they ended', async () => {
    const { tcp, gone } = scene.cases;
    const [member = never()] = tcp.members;
    await ask(tcp.port, '/over-tcp');
    const by = (reason: string) =>
      until(
        async () =>
          (await lines()).find(
            (line) =>
              new RegExp(`^${reason}$`).test(String(line.reason)) && line.method === undefined,
          ),
        10_000,
      );
    expect(await by('done')).toMatchObject({
      service: 'tcp',
      retries: 0,
      termination: differs(subject, 'letters of what ended well', { haproxy: '--', envoy: '-' }),
    });
    member.behave((request) => void request.socket.resetAndDestroy());
    await expect(ask(tcp.port)).rejects.toThrow();
    expect(await by('member_broke_off')).toMatchObject({ service: 'tcp' });
    if (
      differs(subject, 'a connection says that its client left, or was too slow', {
        haproxy: true,
        envoy: false,
      })
    ) {
      member.behave(late(1_500));
      await raw(tcp.port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', 100);
      expect(await by('client_left')).toMatchObject({ termination: 'CD' });
      await raw(tcp.port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', 1_500);
      expect(await by('(client|member)_too_slow')).toMatchObject({
        termination: expect.stringMatching(/^[cs]D$/),
      });
    }
    member.behave((_, response) => void response.end('a'));
    // It is reset, maybe at once.
    await raw(gone.port, 'x', 3_000).catch(() => {});
    const refused = differs(subject, 'letters of a connection that was refused', {
      haproxy: { termination: 'SC', connect_ms: -1 },
      envoy: { termination: 'UF,URX', connect_ms: null },
    });
    expect(await by('member_refused')).toMatchObject({ service: 'gone', retries: 2, ...refused });
  });

  test('text is in its own words', async () => {
    const { text } = scene.cases;
    await ask(text.port, '/as-text');
    const line = differs(subject, 'text', {
      haproxy: ' text(\\.frontend)? .*"GET /as-text HTTP/1\\.1"$',
      envoy: '^\\[\\S+Z\\] "GET /as-text HTTP/1\\.1" 200 - ',
    });
    await until(async () => new RegExp(line, 'm').test(await output()));
  });
});

function never(): never {
  throw new Error('no member');
}

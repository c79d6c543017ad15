import { builtIn, mergePolicy, policySchema } from '@smartstack/policy';
import type { ConfigurableDriver, ProxyKind, Service, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { freePort } from './ports.ts';
import { until } from './until.ts';

export interface ProxyUnderTest<Config, Own> {
  readonly kind: ProxyKind<Config, Own>;
  readonly config: Config;
  /** A service's section: apps connect to this port. */
  section(port: number): Own;
  /** One that the proxy itself does not take. */
  badSection(port: number): Own;
  /** Ends the proxy, and what the driver leaves behind. */
  stop(): Promise<void>;
  createDriver(): ConfigurableDriver<Config>;
}

/** What is not the same of all drivers. */
export interface Promised {
  /** Whether a proxy has a change of members when `apply` is done, or says some time after it that it has. */
  readonly confirms: 'in apply' | 'later';
}

/** What every proxy driver promises, run against one of them. */
export function proxyContract<Config, Own>(
  start: () => Promise<ProxyUnderTest<Config, Own>>,
  { confirms }: Promised = { confirms: 'in apply' },
): void {
  let subject: ProxyUnderTest<Config, Own>;
  let driver: ConfigurableDriver<Config>;
  let ended: AbortController;
  beforeEach(async () => {
    subject = await start();
    driver = subject.createDriver();
    ended = new AbortController();
  });
  afterEach(async () => {
    ended.abort();
    await driver[Symbol.asyncDispose]();
    await subject.stop();
  });

  const member = (port: number): Instance => ({ host: '127.0.0.1', port, name: `vm-${port}` });
  const service = async (
    name: string,
    instances: readonly Instance[] | undefined,
    own?: Own,
  ): Promise<Service> => ({
    name,
    instances,
    defaults: [],
    own: { [subject.kind.name]: own ?? subject.section(await freePort()) },
    origin: `synapse.yaml:${name}`,
  });
  const snapshotOf = (...services: readonly Service[]): Snapshot =>
    new Map(services.map((one) => [one.name, one]));

  /** Applies a snapshot as often as it takes until this holds: a reload may go on when `apply` is done. */
  const applied = (services: readonly Service[], holds: () => Promise<void>) =>
    until(async () => {
      const result = await driver.apply(snapshotOf(...services), ended.signal);
      await holds();
      return result === 'unchanged';
    });
  const serves = (name: string, ports: readonly number[]) => async () =>
    expect(await portsOf(name)).toEqual(ports);
  /** What is served once `apply` is done, where the proxy has confirmed it by then; else in a while. */
  const nowServes = (name: string, ports: readonly number[]) =>
    confirms === 'in apply'
      ? serves(name, ports)()
      : until(() => serves(name, ports)().then(() => true));
  /** The ports of a service's servers that take requests. */
  const portsOf = async (name: string) => {
    await driver.refresh?.(ended.signal);
    const servers = driver.status().services?.[name]?.servers ?? [];
    return servers
      .filter(({ state }) => subject.kind.view.meaningOf(state) === 'up')
      .map(({ address }) => Number(address.slice(address.lastIndexOf(':') + 1)))
      .sort((one, other) => one - other);
  };

  test('members of a snapshot are served, and the same snapshot changes nothing', async () => {
    const web = await service('web', [member(1), member(2)]);
    expect(await driver.apply(snapshotOf(web), ended.signal)).not.toBe('unchanged');
    await applied([web], serves('web', [1, 2]));
    expect(driver.name).toBe(subject.kind.name);
  });

  test('what it makes of a service and its policy is told without touching anything', async () => {
    const merged = mergePolicy([
      { origin: 'built-in', policy: builtIn('http') },
      { origin: 'service', policy: policySchema.parse({ slow_start: '7s' }) },
    ]);
    const web: Service = {
      ...(await service('web', [member(1)])),
      policy: merged,
      protocol: 'http',
    };
    const { policy } = subject.kind.view;
    const sections = await policy('web', subject.config, snapshotOf(web));
    expect(sections.length).toBeGreaterThan(0);
    expect(sections.flatMap(({ lines }) => lines).join('\n')).toMatch(
      /slow_?start(_window:)? "?7s/,
    );
    expect(await policy('other', subject.config, snapshotOf(web))).toEqual([]);
    expect(driver.status().services?.web).toBeUndefined();
  });

  test(`who joins and who leaves is an update, and no reload; the proxy has it ${confirms}`, async () => {
    const web = await service('web', [member(1), member(2)]);
    await applied([web], serves('web', [1, 2]));
    const changed = { ...web, instances: [member(2), member(3)] };
    expect(await driver.apply(snapshotOf(changed), ended.signal)).toBe('updated');
    await nowServes('web', [2, 3]);
  });

  test('nothing known is not nobody: members stay, and default servers stand in for none', async () => {
    const web = await service('web', [member(1)]);
    await applied([web], serves('web', [1]));
    const other = { ...(await service('other', undefined)), defaults: [member(7)] };
    const unknown = { ...web, instances: undefined, defaults: [member(9)] };
    await applied([unknown, other], serves('other', [7]));
    expect(await portsOf('web')).toEqual([1]);
    await applied([{ ...web, instances: [] }, other], serves('web', []));
  });

  test('a service without a section of this proxy is not served, and one that is gone no longer', async () => {
    const [web, other] = [await service('web', [member(1)]), await service('other', [member(2)])];
    const served = (name: string) => async () =>
      expect(Object.keys(driver.status().services ?? {})).toEqual([name]);
    await applied([web, { ...other, own: {} }], served('web'));
    await applied([other], served('other'));
  });

  test('a section that the proxy does not take is left out alone, with the reason', async () => {
    const web = await service('web', [member(1)]);
    const bad = await service('bad', [member(2)], subject.badSection(await freePort()));
    await applied([web, bad], serves('web', [1]));
    expect(driver.refused()).toMatchObject([
      { owner: 'bad', reason: expect.any(String), lastGood: false },
    ]);
    const good = { ...bad, own: { [subject.kind.name]: subject.section(await freePort()) } };
    await applied([web, good], serves('bad', [2]));
    expect(driver.refused()).toEqual([]);
  });

  test('the last good section serves on where a newer one is not taken', async () => {
    const web = await service('web', [member(1)]);
    await applied([web], serves('web', [1]));
    const bad = { ...web, own: { [subject.kind.name]: subject.badSection(await freePort()) } };
    await applied([bad], async () =>
      expect(driver.refused()).toMatchObject([{ owner: 'web', lastGood: true }]),
    );
    expect(await portsOf('web')).toEqual([1]);
  });

  test('an apply that is aborted rejects with the reason, and the next one works', async () => {
    const web = await service('web', [member(1)]);
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(driver.apply(snapshotOf(web), aborted)).rejects.toThrow('enough');
    await applied([web], serves('web', [1]));
  });

  test('wakes end when they are aborted', async () => {
    const running = (async () => {
      for await (const _ of driver.wakes(ended.signal));
    })();
    ended.abort();
    await running;
  });

  test('the same configuration again keeps everything, and asks for no restart', async () => {
    const web = await service('web', [member(1)]);
    await applied([web], serves('web', [1]));
    expect(driver.configure(subject.config)).toEqual([]);
    await applied([web], serves('web', [1]));
  });

  test('what is measured is of services, and can be asked for before the first apply', async () => {
    expect([...(await driver.measure(ended.signal)).keys()]).toEqual([]);
    const web = await service('web', [member(1)]);
    await applied([web], serves('web', [1]));
    const measured = await driver.measure(ended.signal);
    for (const name of measured.keys()) expect(name).toBe('web');
  });

  test('each server is found in the status by the name that the view has for its member', async () => {
    const members = [member(1), member(2)];
    await applied([await service('web', members)], serves('web', [1, 2]));
    const servers = driver.status().services?.web?.servers ?? [];
    const { serverName, stateOf } = subject.kind.view;
    expect(servers.map(({ name }) => name).sort()).toEqual(members.map(serverName).sort());
    for (const server of servers)
      expect(stateOf(server, undefined)).toMatchObject({ tone: 'good' });
  });

  test('a driver that comes after one that ended finds the same', async () => {
    const web = await service('web', [member(1)]);
    await applied([web], serves('web', [1]));
    await driver[Symbol.asyncDispose]();
    driver = subject.createDriver();
    await applied([web], serves('web', [1]));
  });

  test('its keys take a section, and say what is wrong with another', () => {
    const { service: key } = subject.kind.config.keys;
    expect(key.safeParse(undefined).success).toBe(true);
    expect(key.safeParse({ no_such_key: 1 }).success).toBe(false);
  });
}

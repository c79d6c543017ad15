import { describe, expect, test } from 'vitest';

import { haproxySchema, haproxyServiceSchema, isManaged } from './config.ts';
import { reconfigured } from './reconfigured.ts';

describe('the top-level haproxy section', () => {
  test('may be empty: a managed HAProxy with the defaults', () => {
    const config = haproxySchema.parse({});
    expect(isManaged(config)).toBe(true);
    expect(config).toMatchObject({ bind_address: 'localhost', restart_interval: 2000 });
  });

  test('accepts the file of an Airbnb machine', () => {
    const config = haproxySchema.parse({
      reload_command: 'sudo service haproxy reload',
      config_file_path: '/etc/haproxy/haproxy.cfg',
      socket_file_path: ['/var/haproxy/stats.sock', '/var/haproxy/stats2.sock'],
      do_writes: true,
      restart_interval: 2,
      restart_jitter: 0.1,
      state_file_path: '/tmp/synapse/state.json',
      global: ['daemon', 'user haproxy'],
      defaults: ['log global', 'timeout  connect 5000'],
      extra_sections: { 'listen stats :3212': ['mode http', 'stats enable'] },
    });
    expect(isManaged(config)).toBe(false);
    expect(config.global).toEqual(['daemon', 'user haproxy']);
  });

  test.each([
    [{ reload_command: 'true' }, ['config_file_path', 'socket_file_path']],
    [{ reload_command: 'true', config_file_path: '/c', do_socket: false }, []],
    [{ do_reloads: false, do_writes: false }, ['socket_file_path']],
    [
      { reload_command: 'true', do_writes: false, do_socket: false, do_checks: true },
      ['check_command', 'candidate_config_file_path'],
    ],
  ])('names the paths that %j lacks', (input, missing) => {
    const parsed = haproxySchema.safeParse(input);
    expect(parsed.error?.issues.map(({ path }) => path[0]) ?? []).toEqual(missing);
  });
});

describe("a service's haproxy section", () => {
  test('takes lines as a list or as one text', () => {
    const service = haproxyServiceSchema.parse({ frontend: 'mode tcp', backend: ['a', 'b\n  c'] });
    expect(service).toMatchObject({ frontend: ['mode tcp'], backend: ['a', 'b', 'c'] });
  });

  test('tells an absent port from a null one', () => {
    expect('port' in haproxyServiceSchema.parse({})).toBe(false);
    expect(haproxyServiceSchema.parse({ port: null }).port).toBeNull();
    expect(haproxyServiceSchema.parse({ port: '3213' }).port).toBe(3213);
  });

  test.each([
    [{ port: 70_000 }],
    [{ port: '80; rm' }],
    [{ bind_address: '127.0.0.1\nlisten x' }],
    [{ server_options: 'check %{nokey}' }],
    [{ backend_name: 'a b' }],
    [{ servr_options: 'check' }],
  ])('refuses %j', (input) => {
    expect(haproxyServiceSchema.safeParse(input).success).toBe(false);
  });
});

test.each([{}, { do_socket: false, do_reloads: false, config_file_path: '/run/h.cfg' }])(
  'a configuration that is read again and did not change is the same: %j',
  (written) => {
    const read = () => haproxySchema.parse(written);
    expect(reconfigured(read(), read())).toStrictEqual({ merged: read(), kept: [] });
  },
);

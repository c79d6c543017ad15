import { duration } from '@smartstack/daemon';
import { z } from 'zod';

import { flag, optional, path } from './values.ts';

const originals = { mode: 'originals' } as const;

/** Top-level keys of the originals, for an external HAProxy. */
export const originalKeys = {
  config_file_path: optional(path).meta({
    ...originals,
    description: 'the file that is written',
    otherwise: 'required with `do_writes`',
    examples: ['/etc/haproxy/haproxy.cfg'],
  }),
  socket_file_path: optional(z.union([path, z.array(path).min(1)])).meta({
    ...originals,
    description: 'a stats socket of level admin, or a list of them',
    otherwise: 'required with `do_socket`',
    examples: ['/var/haproxy/stats.sock'],
  }),
  reload_command: optional(path).meta({
    ...originals,
    description: 'run by a shell. Its presence chooses this mode',
    otherwise: 'required with `do_reloads`',
    examples: ['systemctl reload haproxy'],
  }),
  do_writes: flag(true).meta({ ...originals, description: 'writes the file' }),
  do_socket: flag(true).meta({ ...originals, description: 'speaks to the socket' }),
  do_reloads: flag(true).meta({ ...originals, description: 'asks for reloads' }),
  do_checks: flag(false).meta({
    ...originals,
    description:
      'judges each file by a check of your own, in place of `haproxy -c`; needs the next two',
  }),
  check_command: optional(path).meta({
    ...originals,
    description: 'that check, run by a shell',
    examples: ['haproxy -c -f /etc/haproxy/candidate.cfg'],
  }),
  candidate_config_file_path: optional(path).meta({
    ...originals,
    description: 'where it finds the file',
    examples: ['/etc/haproxy/candidate.cfg'],
  }),
  state_file_path: optional(path).meta({
    ...originals,
    description:
      'what synapse remembers over its restarts; with it, where a new server would need a reload, one that left keeps its line, disabled, and returns without one',
    otherwise: 'none; managed: in `run_directory`',
    examples: ['/var/haproxy/synapse.state'],
  }),
  state_file_ttl: duration.prefault(86_400).meta({
    ...originals,
    description: 'how long such a line is kept',
    examples: ['7d'],
  }),
};

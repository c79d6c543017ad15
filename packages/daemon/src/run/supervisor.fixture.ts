import { createLog } from '../logs/log.ts';
import { tellSupervisor } from './supervisor.ts';

/** Ready from the start; works for as many questions as its argument says, and then is stuck. */
let left = Number(process.argv[2]);
const life = { ready: () => true, works: () => left-- > 0, log: createLog('fixture') };
const ended = new AbortController();
process.once('SIGTERM', () => ended.abort());
await tellSupervisor(life, ended.signal);
process.stdout.write(`${process.env.NOTIFY_SOCKET ?? 'no socket'}\n`);

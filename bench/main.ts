import { change } from './change.ts';
import { envoy } from './envoy.ts';
import { failures } from './failures.ts';
import { fanOut } from './fan-out.ts';
import { lossless } from './haproxy/lossless.ts';
import { haproxy } from './haproxy.ts';
import { idle } from './idle.ts';
import { nerve } from './nerve.ts';
import { policy } from './policy.ts';
import { registries } from './registries.ts';
import { synapse } from './synapse.ts';
import { zookeeper } from './zookeeper.ts';

/** Every bench by its name; `npm run bench` runs all, `npm run bench -- change` one. */
const benches: Readonly<Record<string, () => Promise<void>>> = {
  change,
  zookeeper,
  haproxy,
  nerve,
  synapse,
  failures,
  policy,
  registries,
};

/** Those that take many minutes run only when asked for by name. */
const long: typeof benches = { lossless: () => lossless(), 'fan-out': fanOut, idle, envoy };

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benches || name in long));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: no bench is named ${unknown.join(', ')}; there are: ${Object.keys({ ...benches, ...long }).join(', ')}\n`,
  );
  process.exit(2);
}
for (const [name, run] of Object.entries({ ...benches, ...long })) {
  if (asked.length > 0 ? !asked.includes(name) : name in long) continue;
  process.stdout.write(`\n${name}\n${'─'.repeat(name.length)}\n`);
  await run();
}
process.exit();

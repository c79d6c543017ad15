import { change } from './change.ts';
import { nerve } from './nerve.ts';
import { zookeeper } from './zookeeper.ts';

/** Every bench by its name; `npm run bench` runs all, `npm run bench -- change` one. */
const benches: Readonly<Record<string, () => Promise<void>>> = { change, nerve, zookeeper };

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benches));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: no bench is named ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}\n`,
  );
  process.exit(2);
}
for (const [name, run] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  process.stdout.write(`\n${name}\n${'─'.repeat(name.length)}\n`);
  await run();
}
process.exit();

import { connect } from '@smartstack/zookeeper';

/**
 * A program that keeps one ephemeral node: `zookeeper-client <hosts> <timeout> <path>`. It prints each
 * state and ends with SIGTERM, by closing its session.
 */
const [hosts = '', timeout = '', path = ''] = process.argv.slice(2);
const ended = new AbortController();
const session = connect({ hosts: hosts.split(','), timeout: Number(timeout) });
process.once('SIGTERM', () => ended.abort());

const node = session.ephemeral({ path, data: Buffer.from(`${process.pid}`) }, ended.signal);
await node.then(({ path: stands }) => console.log(`stands ${stands}`));
for await (const state of session.states(ended.signal)) console.log(state);
await session.close();

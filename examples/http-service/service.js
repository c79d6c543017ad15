#!/usr/bin/env node
// A tiny HTTP service: every answer names the copy that gave it. `node service.js --name web-1 --port 8001`
//
// On SIGTERM it leaves as a service should: /health fails at once, while requests are still answered for
// `--drain` milliseconds, so that nerve can withdraw it first; then it closes its connections and exits.
import { createServer } from 'node:http';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: hostname() },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8001' },
    drain: { type: 'string', default: '1000' },
  },
});

let leaving = false;

const server = createServer((request, response) => {
  if (leaving) response.setHeader('connection', 'close');
  response.setHeader('content-type', 'text/plain');
  response.setHeader('x-copy', values.name);
  if (request.url === '/health') response.writeHead(leaving ? 503 : 200);
  response.end(request.url === '/health' ? `${leaving ? 'leaving' : 'ok'}\n` : `${values.name}\n`);
});

server.on('error', (error) => {
  console.error(`cannot listen on ${values.host}:${values.port}: ${error.message}`);
  process.exitCode = 1;
});

server.listen(Number(values.port), values.host, () => {
  console.log(`${values.name} listens on ${values.host}:${values.port}`);
});

async function leave() {
  if (leaving) return;
  leaving = true;
  await sleep(Number(values.drain));
  server.close();
  server.closeIdleConnections();
}

process.on('SIGTERM', () => void leave());
process.on('SIGINT', () => void leave());

#!/usr/bin/env node
// Stands for a database: says its name and repeats the question. `node database.js --name db-1 --port 3306`
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'db-1' },
    port: { type: 'string', default: '3306' },
  },
});

createServer((socket) => {
  socket.on('data', (question) => socket.end(`${values.name}: ${question}`));
  socket.on('error', () => {});
}).listen(Number(values.port), () => console.log(`${values.name} listens on ${values.port}`));

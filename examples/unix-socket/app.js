#!/usr/bin/env node
// An application that knows its database as a UNIX socket only: each request asks it one question.
// `node app.js --port 3000 --database /run/smartstack/db.sock`
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '3000' },
    database: { type: 'string', default: '/run/smartstack/db.sock' },
  },
});

/** The database's answer to one question, on a connection of its own. */
function ask(question) {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(values.database, () => socket.end(`${question}\n`));
    socket.setEncoding('utf8').setTimeout(2_000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (part) => {
      answer += part;
    });
    socket.on('error', reject);
    socket.on('close', () => (answer ? resolve(answer) : reject(new Error('no database'))));
  });
}

createServer((_request, response) => {
  ask('SELECT count(*) FROM orders').then(
    (answer) => response.end(answer),
    (error) => response.writeHead(503).end(`${error.message}\n`),
  );
}).listen(Number(values.port), '127.0.0.1', () => console.log(`listens on ${values.port}`));

import { connect } from 'node:net';

/**
 * The ports of the servers that HAProxy sends requests to now, asked over its own socket: running, and
 * neither drained nor in maintenance. Rejects when the socket does not answer.
 */
export async function portsInRotation(socket: string): Promise<ReadonlySet<number>> {
  const [, header = '', ...rows] = (await askHaproxy(socket, 'show servers state')).split('\n');
  const names = header.replace(/^# /, '').split(' ');
  const [state, admin, port] = ['srv_op_state', 'srv_admin_state', 'srv_port'].map((name) =>
    names.indexOf(name),
  ) as [number, number, number];
  return new Set(
    rows
      .map((row) => row.split(' '))
      .filter((fields) => fields[state] === '2' && fields[admin] === '0')
      .map((fields) => Number(fields[port])),
  );
}

function askHaproxy(socket: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const connection = connect(socket, () => connection.end(`${command}\n`));
    connection.setEncoding('utf8');
    connection.setTimeout(1_000, () =>
      connection.destroy(new Error(`cannot ask HAProxy at ${socket}: no answer in 1000 ms`)),
    );
    connection.on('data', (part: string) => {
      answer += part;
    });
    connection.on('error', reject);
    connection.on('end', () => resolve(answer.trimEnd()));
  });
}

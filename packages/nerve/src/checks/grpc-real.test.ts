import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { certificate } from './certificate.fixture.ts';
import { closedPort } from './server.fixture.ts';
import { checkSchema, createCheck } from './table.ts';
import { createTtlReports } from './ttl-reports.ts';

/** The standard health service on gRPC's own server: one service that serves, one that does not. */
async function grpcServer(credentials = ServerCredentials.createInsecure()) {
  const server = new Server();
  const statuses: Readonly<Record<string, number>> = { '': 1, up: 1, down: 2 };
  const check = {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestDeserialize: (bytes: Buffer) => ({ service: bytes.subarray(2).toString() }),
    requestSerialize: () => Buffer.alloc(0),
    responseDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (serving: number) => Buffer.from([8, serving]),
  };
  server.addService(
    { check },
    {
      check: (
        { request }: { request: { service: string } },
        done: (error: object | null, serving?: number) => void,
      ) => {
        const serving = statuses[request.service];
        if (serving === undefined) done({ code: status.NOT_FOUND, details: 'no such service: ÿ' });
        else done(null, serving);
      },
    },
  );
  const port = await closedPort();
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  return { port, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

async function run(port: number, keys: object = {}): Promise<void> {
  const config = checkSchema.parse({ type: 'grpc', ...keys });
  const deps = {
    service: 'api',
    host: '127.0.0.1',
    port,
    directory: '/',
    ttlReports: createTtlReports(),
  };
  await (await createCheck(config, deps)).run(new AbortController().signal);
}

test('a grpc check understands a server of the ecosystem', async () => {
  await using server = await grpcServer();
  await run(server.port);
  await run(server.port, { service: 'up' });
  await expect(run(server.port, { service: 'down' })).rejects.toThrow(/: NOT_SERVING$/);
  await expect(run(server.port, { service: 'no' })).rejects.toThrow(
    /: NOT_FOUND: no such service: ÿ$/,
  );
});

test('over TLS too, with the certificate verified unless insecure', async () => {
  const pair = {
    cert_chain: Buffer.from(certificate.cert),
    private_key: Buffer.from(certificate.key),
  };
  await using server = await grpcServer(ServerCredentials.createSsl(null, [pair]));
  await expect(run(server.port, { ssl: true })).rejects.toThrow(/: self-signed certificate/);
  await run(server.port, { ssl: true, insecure: true });
});

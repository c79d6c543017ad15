import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';

import { freePort } from '../../support/ports.ts';

type Call = ServerUnaryCall<Buffer, Buffer>;
type Behaviour = (call: Call, answer: sendUnaryData<Buffer>) => void;

/** A member of a gRPC service: a real server inside this process, which counts what it is asked. */
export interface GrpcMember extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  /** How many calls reached it. */
  readonly calls: number;
  /** What it answers from now on; at first its name. */
  behave(next: Behaviour): void;
  /** Ends when the calls under way have ended. */
  close(): Promise<void>;
  /** Its entry in `default_servers`. */
  readonly entry: object;
}

const same = (bytes: Buffer) => bytes;
const method = {
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
} as const;

export async function startGrpcMember(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<GrpcMember> {
  let calls = 0;
  let behave: Behaviour = (_, answer) => answer(null, Buffer.from(name));
  const handle = (call: Call, answer: sendUnaryData<Buffer>) => {
    calls += 1;
    behave(call, answer);
  };
  const server = new Server();
  server.addService(
    {
      say: { path: '/echo.Echo/Say', ...method },
      ask: { path: '/echo.Echo/Ask', ...method },
      tell: { path: '/other.Other/Tell', ...method },
    },
    { say: handle, ask: handle, tell: handle },
  );
  const port = await freePort();
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  return {
    name,
    port,
    get calls() {
      return calls;
    },
    behave: (next) => {
      behave = next;
    },
    close: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    entry: { name, host: '127.0.0.1', port, labels },
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}

/** Fails calls with a status. */
export const failing =
  (code: status = status.UNAVAILABLE): Behaviour =>
  (_, answer) =>
    answer({ code, details: 'as the test says' });

/** Answers with its name after a while. */
export const late =
  (name: string, milliseconds: number): Behaviour =>
  (_, answer) =>
    void setTimeout(() => answer(null, Buffer.from(name)), milliseconds);

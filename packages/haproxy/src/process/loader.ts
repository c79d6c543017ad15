import { shapeVariable } from '../render/base.ts';
import type { Runtime } from '../runtime/admin-socket.ts';
import { parseInfo } from '../runtime/server-state.ts';

/** What a HAProxy that answers runs. */
export interface Running {
  readonly pid: number;
  readonly version: string;
  /** The shape of the file that it loaded; undefined when synapse did not write that. */
  readonly shape: string | undefined;
}

/** Makes HAProxy run the file, a managed one or an external one. */
export interface Loader extends AsyncDisposable {
  /** Whether its process lives; always true where a service manager of its own runs it. */
  lives(signal: AbortSignal): Promise<boolean>;
  /**
   * Makes HAProxy run what the file says, and verifies it: by its pid and the shape that it reports,
   * never by an exit code. Rejects when it failed; then the worker before serves on.
   */
  load(shape: string, signal: AbortSignal): Promise<void>;
  /** Yields when the process is found dead. Ends when aborted. */
  deaths(signal: AbortSignal): AsyncIterable<void>;
}

/** What answers on a stats socket; rejects when nothing does. */
export async function runningAt(runtime: Runtime, signal: AbortSignal): Promise<Running> {
  const [info = '', variable = ''] = await runtime.ask(
    ['show info', `show env ${shapeVariable}`],
    signal,
  );
  const fields = parseInfo(info);
  return {
    pid: Number(fields.get('Pid')),
    version: fields.get('Version') ?? '',
    shape: new RegExp(`^${shapeVariable}=(\\w+)$`, 'm').exec(variable)?.[1],
  };
}

import type { PageMessage } from '../model.ts';

export type LinkState = 'connecting' | 'live' | 'polling' | 'lost';

export interface LinkOptions {
  onMessage(message: PageMessage): void;
  onState(state: LinkState): void;
}

/** How long a stream may be silent, in milliseconds: the daemon sends something every second, if only the time. */
const silence = 4_000;
const pollInterval = 1_000;

/**
 * Keeps a visible page up to date: by server-sent events, or by polling once a second where those do not
 * come through. A hidden page asks for nothing.
 */
export function keepLinked({ onMessage, onState }: LinkOptions): void {
  let source: EventSource | undefined;
  let watchdog: number | undefined;
  let asking: number | undefined;

  function open(): void {
    close();
    if (document.hidden) return;
    source = new EventSource('/page/stream');
    source.onmessage = ({ data }: MessageEvent<string>) => {
      resetWatchdog();
      onState('live');
      onMessage(JSON.parse(data) as PageMessage);
    };
    source.onerror = () => onState('lost');
    resetWatchdog();
  }

  /** From now on the stream counts as dead after `silence` without a message. */
  function resetWatchdog(): void {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      source?.close();
      void ask(1);
    }, silence);
  }

  async function ask(times: number): Promise<void> {
    try {
      const response = await fetch('/page/state');
      if (!response.ok) throw new Error(`status ${response.status}`);
      onMessage((await response.json()) as PageMessage);
      onState('polling');
    } catch {
      onState('lost');
    }
    if (document.hidden) return;
    // The stream is tried again every 15 polls.
    asking = setTimeout(() => (times % 15 === 0 ? open() : void ask(times + 1)), pollInterval);
  }

  function close(): void {
    source?.close();
    clearTimeout(watchdog);
    clearTimeout(asking);
  }

  document.addEventListener('visibilitychange', open);
  window.addEventListener('pagehide', close);
  window.addEventListener('pageshow', ({ persisted }) => persisted && open());
  onState('connecting');
  open();
}

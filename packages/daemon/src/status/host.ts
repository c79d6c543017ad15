import { isIP } from 'node:net';

/**
 * Whether a request was meant for this server, by its `Host` header: a web page elsewhere can point a
 * name of its own at 127.0.0.1 and would then be let in by the browser as if it came from here (DNS
 * rebinding). On the loopback only its own names are; elsewhere addresses too, which DNS
 * cannot rebind. What no browser sent has no `Host`, or one that its user chose.
 */
export function isForUs(header: string | undefined, configured: string): boolean {
  if (header === undefined) return true;
  const name = nameIn(header);
  if (name === undefined) return false;
  if (isLoopback(name) || name === configured.toLowerCase()) return true;
  return !isLoopback(configured) && isIP(name) !== 0;
}

/** Whether an address or a name can only be of this machine. */
export function isLoopback(host: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);
}

/** The name or address in a `Host` header, without port and brackets. */
function nameIn(header: string): string | undefined {
  const [, six, name] = /^(?:\[([0-9a-f:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/i.exec(header) ?? [];
  return (six ?? name)?.toLowerCase();
}

import type { IncomingMessage, ServerResponse } from 'node:http';

import { Refused, statusOf } from './documents.ts';
import { type KubeObject, keyOf, type Objects, type State } from './objects.ts';
import { patched } from './patch.ts';
import { selectorOf } from './selectors.ts';
import type { Watches } from './watches.ts';

/** One request for EndpointSlices. */
export interface Asking {
  readonly verb: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly query: URLSearchParams;
}

interface Answer {
  readonly code: number;
  readonly body: unknown;
}

/** What an API server does with EndpointSlices. */
export interface Resource {
  read(method: string, url: URL): Asking;
  /** Undefined for a watch, which it has answered itself. */
  answer(
    asking: Asking,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Answer | undefined>;
}

const group = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' };
const path =
  /^\/apis\/discovery\.k8s\.io\/v1(?:\/namespaces\/([^/]+))?\/endpointslices(?:\/([^/]+))?$/;

export function createResource(objects: Objects, watches: Watches): Resource {
  /** What lists of several pages are read from. */
  const pages = new Map<string, { readonly state: State; readonly after: number }>();

  function list({ namespace, query }: Asking): Answer {
    const token = query.get('continue');
    const page = token === null ? undefined : pages.get(token);
    if (token !== null && (!page || page.state.version < objects.oldest))
      throw new Refused(410, 'Expired', 'The provided continue parameter is too old');
    const { state, after } = page ?? { state: objects.state, after: 0 };
    const all = [...state.objects.values()].filter(selectorOf(namespace, query));
    const limit = Number(query.get('limit') ?? 0) || all.length;
    const next = after + limit;
    const more =
      next < all.length ? Buffer.from(`${state.version} ${next}`).toString('base64') : '';
    if (more !== '') pages.set(more, { state, after: next });
    const metadata = {
      resourceVersion: String(state.version),
      ...(more !== '' && { continue: more }),
    };
    const items = all.slice(after, next).map(({ apiVersion: _, kind: __, ...item }) => item);
    return {
      code: 200,
      body: { kind: 'EndpointSliceList', apiVersion: group.apiVersion, metadata, items },
    };
  }

  function existing({ namespace = '', name = '' }: Asking): KubeObject {
    const found = objects.get(namespace, name);
    if (found) return found;
    const message = `endpointslices.discovery.k8s.io "${name}" not found`;
    throw new Refused(404, 'NotFound', message);
  }

  /** Writes an object, unless somebody else has since the version that it was made from. */
  function write(object: unknown, before: KubeObject | undefined, asking: Asking): KubeObject {
    const judged = judge(object, asking);
    const { resourceVersion: from } = judged.metadata;
    if (before && from !== undefined && from !== before.metadata.resourceVersion)
      throw new Refused(
        409,
        'Conflict',
        'the object has been modified; please apply your changes to the latest version and try again',
      );
    return objects.put(judged);
  }

  return {
    read: (method, url) => {
      const [, namespace, name] = path.exec(url.pathname) ?? [];
      if (!path.test(url.pathname))
        throw new Refused(404, 'NotFound', 'the server could not find the requested resource');
      const { searchParams: query } = url;
      const isWatch = /^(true|1)$/.test(query.get('watch') ?? '');
      const reading = name === undefined ? (isWatch ? 'watch' : 'list') : 'get';
      const verbs: Readonly<Record<string, string>> = {
        GET: reading,
        POST: 'create',
        PUT: 'update',
        PATCH: 'patch',
        DELETE: 'delete',
      };
      return { verb: verbs[method] ?? method, namespace, name, query };
    },
    answer: async (asking, request, response) => {
      const { namespace, name, query, verb } = asking;
      switch (verb) {
        case 'list':
          return list(asking);
        case 'watch':
          watches.open(response, selectorOf(namespace, query), query);
          return undefined;
        case 'get':
          return { code: 200, body: existing(asking) };
        case 'create': {
          const object = await bodyOf(request);
          const { name: own = '' } = (object as KubeObject).metadata;
          if (objects.state.objects.has(keyOf(namespace ?? '', own)))
            throw new Refused(409, 'AlreadyExists', `endpointslices "${own}" already exists`);
          return { code: 201, body: write(object, undefined, asking) };
        }
        case 'update':
          return { code: 200, body: write(await bodyOf(request), existing(asking), asking) };
        case 'patch': {
          const before = existing(asking);
          const type = request.headers['content-type'] ?? '';
          const patch = await bodyOf(request);
          return { code: 200, body: write(patchOf(type, before, patch), before, asking) };
        }
        case 'delete': {
          existing(asking);
          objects.remove(namespace ?? '', name ?? '');
          const message = '';
          return { code: 200, body: statusOf({ code: 200, reason: '', message }) };
        }
        default:
          throw new Refused(405, 'MethodNotAllowed', 'the server does not allow this method');
      }
    },
  };
}

function patchOf(type: string, before: KubeObject, patch: unknown): unknown {
  try {
    return patched(type, before, patch);
  } catch (error) {
    throw new Refused(422, 'Invalid', String(error));
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new Refused(400, 'BadRequest', String(error));
  }
}

/** An object as it may be written; throws where the API would refuse it. */
function judge(object: unknown, { namespace = '' }: Asking): KubeObject {
  const written: KubeObject = { ...group, ...(object as KubeObject) };
  const { kind, addressType, metadata } = written;
  const endpoints: unknown = written.endpoints ?? [];
  const invalid = (message: string) => new Refused(422, 'Invalid', message);
  if (kind !== 'EndpointSlice') throw new Refused(400, 'BadRequest', `cannot handle ${kind}`);
  if (!metadata?.name) throw invalid('metadata.name: Required value');
  if (!['IPv4', 'IPv6', 'FQDN'].includes(String(addressType)))
    throw invalid('addressType: Unsupported value: supported values: "FQDN", "IPv4", "IPv6"');
  if (!Array.isArray(endpoints)) throw invalid('endpoints: expected a list');
  if (endpoints.length > 1000) throw invalid('endpoints: Too many: must have at most 1000 items');
  if (endpoints.some((each) => !Array.isArray(each?.addresses) || each.addresses.length === 0))
    throw invalid('endpoints[0].addresses: Required value: must contain at least 1 address');
  return { ...written, endpoints, metadata: { ...metadata, namespace } };
}

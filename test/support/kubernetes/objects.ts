/** An object of the API, as JSON has it. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly resourceVersion?: string;
    readonly uid?: string;
    readonly creationTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface ObjectEvent {
  readonly type: EventType;
  readonly object: KubeObject;
  /** The object before it; of one that was added, undefined. */
  readonly before: KubeObject | undefined;
  readonly version: number;
}

/** Everything at one version. */
export interface State {
  readonly version: number;
  readonly objects: ReadonlyMap<string, KubeObject>;
}

/** Objects with a common version and the history of their changes, as etcd keeps them for Kubernetes. */
export interface Objects {
  readonly state: State;
  /** Changes after this version can be told. */
  readonly oldest: number;
  put(object: KubeObject): KubeObject;
  remove(namespace: string, name: string): KubeObject | undefined;
  get(namespace: string, name: string): KubeObject | undefined;
  since(version: number): readonly ObjectEvent[];
  /** Forgets the history up to now. */
  compact(): void;
  /** Sets everything to what it was, as a restored backup does: versions go back. */
  restore(state: State): void;
  /** Uses versions as if there had been other changes meanwhile. */
  skip(versions: number): void;
  /** Calls `listener` with each change from now on; returns how to stop. */
  listen(listener: (event: ObjectEvent) => void): () => void;
}

export const keyOf = (namespace: string, name: string) => `${namespace}/${name}`;

export function createObjects(first = 100): Objects {
  let state: State = { version: first, objects: new Map() };
  let history: readonly ObjectEvent[] = [];
  let oldest = first;
  let created = 0;
  const listeners = new Set<(event: ObjectEvent) => void>();

  function change(type: EventType, object: KubeObject, before: KubeObject | undefined): KubeObject {
    const version = state.version + 1;
    const versioned = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(version) },
    };
    const objects = new Map(state.objects);
    const key = keyOf(object.metadata.namespace, object.metadata.name);
    if (type === 'DELETED') objects.delete(key);
    else objects.set(key, versioned);
    state = { version, objects };
    const event = { type, object: versioned, before, version };
    history = [...history, event];
    for (const listener of [...listeners]) listener(event);
    return versioned;
  }

  return {
    get state() {
      return state;
    },
    get oldest() {
      return oldest;
    },
    put: (object) => {
      const { namespace, name } = object.metadata;
      const before = state.objects.get(keyOf(namespace, name));
      const { uid, creationTimestamp } = before?.metadata ?? {
        uid: `00000000-0000-4000-8000-${String(created++).padStart(12, '0')}`,
        creationTimestamp: new Date().toISOString().replace(/\.\d+/, ''),
      };
      const metadata = { ...object.metadata, uid, creationTimestamp } as KubeObject['metadata'];
      return change(before ? 'MODIFIED' : 'ADDED', { ...object, metadata }, before);
    },
    remove: (namespace, name) => {
      const before = state.objects.get(keyOf(namespace, name));
      return before && change('DELETED', before, before);
    },
    get: (namespace, name) => state.objects.get(keyOf(namespace, name)),
    since: (version) => history.filter((event) => event.version > version),
    compact: () => {
      history = [];
      oldest = state.version;
    },
    restore: (older) => {
      state = older;
      history = [];
      oldest = older.version;
    },
    skip: (versions) => {
      state = { ...state, version: state.version + versions };
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

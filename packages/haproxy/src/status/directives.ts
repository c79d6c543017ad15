import type { Directives, Snapshot } from '@smartstack/proxy';

import { createExpansion } from '../backends/expand.ts';
import {
  type HaproxyConfig,
  type HaproxyService,
  haproxySchema,
  isManaged,
} from '../config/config.ts';
import { isOff, ownOf } from '../config/section.ts';
import { policyFiles } from '../policy/files.ts';
import { externalPaths, managedPaths } from '../process/paths.ts';
import { defaultsLines } from '../render/base.ts';
import { stanzaOf } from '../render/stanza.ts';

/** The sections of HAProxy's file that are made of one service, with what each server line has beside its address. */
export function directives(
  service: string,
  config: HaproxyConfig | undefined,
  snapshot: Snapshot,
): readonly Directives[] {
  const served = snapshot.get(service);
  if (isOff(config) || !served || !ownOf(served)) return [];
  const top = config ?? haproxySchema.parse({});
  const expanded = createExpansion()(snapshot);
  const names = expanded.plans.get(service)?.map(({ name }) => name) ?? [service];
  const settings = settingsOf(top);
  return names.flatMap((name) => {
    const own = ownOf(expanded.snapshot.get(name) ?? {});
    return own && !own.disabled ? sectionsOf(name, own, settings) : [];
  });
}

function settingsOf(top: HaproxyConfig): Parameters<typeof stanzaOf>[2] {
  const { config: file } = isManaged(top) ? managedPaths(top) : externalPaths(top);
  const around = {
    socket: undefined,
    stateFile: undefined,
    maxconn: undefined,
    account: undefined,
  };
  return {
    top,
    files: policyFiles(file ?? 'haproxy.cfg'),
    defaults: defaultsLines(top, around),
    isTidy: isManaged(top),
  };
}

function sectionsOf(
  name: string,
  own: HaproxyService,
  settings: Parameters<typeof stanzaOf>[2],
): readonly Directives[] {
  const { frontend, backend, backendName, tables, serverWords } = stanzaOf(name, own, settings);
  const servers = serverWords === '' ? [] : [`server <each member> ${serverWords}`];
  return [
    ...(frontend ? [{ title: `frontend ${name}`, lines: frontend }] : []),
    { title: `backend ${backendName}`, lines: [...backend, ...servers] },
    ...tables,
  ];
}

import type { Traffic } from './traffic.ts';

/** Files that lines of a policy name, beside HAProxy's own. */
export interface PolicyFiles {
  /** Values that change without a reload. */
  readonly map: string;
  /** What HAProxy has no word for; undefined where it was built without Lua, so that it takes no such file. */
  readonly lua: string | undefined;
  /** What the files of addresses begin with, by which a service's clients are judged. */
  readonly allow: string;
}

/** The file of the addresses that may connect to a service. */
export const allowFile = ({ allow }: PolicyFiles, service: string) => `${allow}${service}`;

/** Where they are, beside the configuration. */
export function policyFiles(config: string): PolicyFiles {
  return {
    map: `${config}.policy.map`,
    lua: `${config}.policy.lua`,
    allow: `${config}.policy.allow.`,
  };
}

/** Whether a service's lines name the file of Lua. */
export const needsLua = (traffic: Traffic | undefined): boolean =>
  traffic?.policy.routes?.some(({ fault }) => fault?.delay) ?? false;

/** An action that lets a request wait, in milliseconds; other requests go on meanwhile. */
export const luaText = `-- written by synapse: changes by hand are overwritten
core.register_action("synapse_delay", { "http-req" }, function(txn, time)
  core.msleep(tonumber(time))
end, 1)
`;

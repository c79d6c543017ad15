import { messageOf } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';

import type { OpenedPlace } from './reporters/reporter.ts';
import { openPlace, type Place } from './reporters/table.ts';

/**
 * Opens the registries of a service, and returns what gives each. One that cannot be opened is tried again with
 * each attempt to announce there, and holds up no other; where none can be, this throws.
 */
export function openPlaces(
  places: readonly Place[],
  registries: OpenedRegistries,
): (place: Place) => OpenedPlace {
  const opened = new Map<Place, OpenedPlace>();
  const failures: unknown[] = [];
  for (const place of places) {
    try {
      opened.set(place, openPlace(place, registries));
    } catch (error) {
      failures.push(error);
    }
  }
  if (opened.size === 0) throw failures[0];
  return (place) => opened.get(place) ?? openedLater(place, registries);
}

function openedLater(place: Place, registries: OpenedRegistries): OpenedPlace {
  return {
    announce: async (...args) => {
      let opened: OpenedPlace;
      try {
        opened = openPlace(place, registries);
      } catch (error) {
        throw new Error(`cannot open ${place.registry}: ${messageOf(error)}`, { cause: error });
      }
      return opened.announce(...args);
    },
  };
}

import { atLeast } from '@smartstack/proxy';

/** Whether frontends have names that no backend has: HAProxy 3.3 refuses one name for both, and 3.1 and 3.2 warn of it. */
export interface FrontendNames {
  readonly areSeparate: boolean;
  /** Gives them such names from now on, since HAProxy refuses others. */
  separate(): void;
}

/** The names for a HAProxy of which these versions are known: the program's, and that of the one that runs. */
export function createFrontendNames(versions: readonly (string | undefined)[]): FrontendNames {
  let areSeparate = versions.some((version) => version !== undefined && atLeast(version, '3.1'));
  return {
    get areSeparate() {
      return areSeparate;
    },
    separate: () => {
      areSeparate = true;
    },
  };
}

/** Whether HAProxy refuses something since a frontend and a backend have one name. */
export const isSharedName = (reason: string): boolean =>
  /'[^']+' has the same name as (frontend|backend) '/.test(reason);

/** The sections with another name for each frontend that has one of a backend. Backends keep theirs. */
export function withSeparateNames<S extends { readonly title: string }>(
  sections: readonly S[],
): readonly S[] {
  const names = new Set(sections.map(({ title }) => nameIn(title)));
  const backends = new Set(
    sections.flatMap(({ title }) => (title.startsWith('backend ') ? [nameIn(title)] : [])),
  );
  return sections.map((section) => {
    const name = nameIn(section.title);
    if (!section.title.startsWith('frontend ') || !backends.has(name)) return section;
    let own = `${name}.frontend`;
    while (names.has(own)) own = `${own}.frontend`;
    names.add(own);
    return { ...section, title: `frontend ${own}` };
  });
}

const nameIn = (title: string) => title.split(' ')[1];

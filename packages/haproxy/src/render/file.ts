import { shapeVariable } from './base.ts';
import type { Layout, Section } from './layout.ts';

/** The file, and which service each of its lines comes from. */
export interface File {
  /** The text in pieces, which are the same strings again where a section is as it was. */
  readonly pieces: readonly string[];
  readonly text: string;
  /** One line, counted from 1, and the service that it comes from. */
  lineAt(line: number): string | undefined;
  ownerAt(line: number): string | undefined;
  /** The service of a frontend or backend; in a shared one, the service whose line has one of these words. */
  ownerOf(proxy: string, words: readonly string[]): string | undefined;
}

/** A section's text, with further lines and an empty line before it. Cached: most sections stay as they are. */
function sectionText(section: Section, more: readonly string[]): string {
  const before = sectionTexts.get(section);
  if (before?.more === more) return before.text;
  const text = `\n${[section.title, ...section.lines, ...more].join('\n\t')}\n`;
  sectionTexts.set(section, { more, text });
  return text;
}

const sectionTexts = new WeakMap<
  Section,
  { readonly more: readonly string[]; readonly text: string }
>();

/** The section that a line is in, and the line of its title; `counts` has how many lines each takes. */
function sectionAt(sections: readonly Section[], counts: readonly number[], line: number) {
  let title = 3;
  let found: { readonly section: Section; readonly title: number } | undefined;
  for (const [index, section] of sections.entries()) {
    if (title > line) break;
    found = { section, title };
    title += counts[index] ?? 0;
  }
  return found;
}

/** The whole text; `servers` gives the server lines of a backend. */
export function fileOf(layout: Layout, servers: (backend: string) => readonly string[]): File {
  const pieces = ['# written by synapse: changes by hand are overwritten\n'];
  const counts: number[] = [];
  for (const section of layout.sections) {
    const { title, lines, backend } = section;
    const shape = title === 'global' ? [`setenv ${shapeVariable} ${layout.shape}`] : [];
    const more = backend === undefined ? shape : servers(backend);
    counts.push(2 + lines.length + more.length);
    pieces.push(sectionText(section, more));
  }
  const text = () => pieces.join('');
  return {
    lineAt: (line) => text().split('\n')[line - 1]?.trim(),
    pieces,
    get text() {
      return text();
    },
    ownerAt: (line) => {
      const found = sectionAt(layout.sections, counts, line);
      return found && ownerIn(found.section, line - found.title - 1);
    },
    ownerOf: (proxy, words) => ownerOfProxy(layout.sections, proxy, words),
  };
}

/** The service that a line of a section comes from; contributions come last in a shared one. */
function ownerIn({ lines, contributions = [], owner }: Section, index: number): string | undefined {
  return owner ?? contributions[index - (lines.length - contributions.length)]?.owner;
}

function ownerOfProxy(
  sections: readonly Section[],
  proxy: string,
  words: readonly string[],
): string | undefined {
  const section = sections.find(({ title }) => title.split(' ')[1] === proxy);
  const wrote = ({ line }: { readonly line: string }) =>
    line.split(/\s+/).some((word) => word !== proxy && words.includes(word));
  return section?.owner ?? section?.contributions?.find(wrote)?.owner;
}

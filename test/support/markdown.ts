import { readdir, readFile } from 'node:fs/promises';

/** A block of code: what stands behind its opening fence, and its lines. */
export interface Block {
  readonly info: string;
  readonly text: string;
}

/** A document for users, taken apart. */
export interface Document {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** Code within sentences and tables. */
  readonly spans: readonly string[];
}

/** The documents that people wrote for users; the generated tables are held to the code by their generator. */
export async function documents(): Promise<readonly Document[]> {
  const docs = (await readdir('docs', { recursive: true })).filter(
    (name) => name.endsWith('.md') && !/^(configuration\.md|decisions\/)/.test(name),
  );
  const examples = (await readdir('examples', { withFileTypes: true })).filter((entry) =>
    entry.isDirectory(),
  );
  const paths = [
    ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md'],
    ...docs.map((name) => `docs/${name}`),
    ...examples.map(({ name }) => `examples/${name}/README.md`),
  ];
  return Promise.all(paths.map(read));
}

async function read(path: string): Promise<Document> {
  const text = await readFile(path, 'utf8');
  const fence = /^ *```(.*)\n([\s\S]*?)^ *```$/gm;
  const blocks = [...text.matchAll(fence)].map(([, info = '', code = '']) => ({
    info,
    text: code,
  }));
  const spans = [...text.replaceAll(fence, '').matchAll(/`([^`\n]+)`/g)].map(
    ([, code = '']) => code,
  );
  return { path, text, blocks, spans };
}

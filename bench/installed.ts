import { bundle } from '../packaging/bundle.ts';
import { products } from '../packaging/products.ts';
import { treeIn } from '../packaging/tree.ts';

/**
 * Puts a daemon into a folder as `npm run package` does and as users run it, everything that it imports in
 * one file, which loads in half the time of the build's hundreds. Resolves with its command.
 */
export async function installed(name: 'nerve' | 'synapse', directory: string): Promise<string> {
  const product = products.find(({ daemon }) => daemon === name);
  if (!product) throw new Error(`cannot install ${name}: it is no product`);
  const tree = treeIn(directory);
  await bundle(product, tree);
  return tree.path('bin', `${name}.js`);
}

/** Scripts that run in the browser, as text: the tests' own types know of no document. */

export const openAll =
  "for (const details of document.querySelectorAll('details')) details.open = true";

/** Every short text that is seen, its colour, and the colour behind it. */
export const colours = `(() => {
  const behind = (node) => {
    if (!node) return getComputedStyle(document.documentElement).backgroundColor;
    const colour = getComputedStyle(node).backgroundColor;
    return /^rgb\\(/.test(colour) ? colour : behind(node.parentElement);
  };
  const leaves = [...document.querySelectorAll('main *, header *')].filter(
    (node) => node.childElementCount === 0 && node.textContent && node.checkVisibility(),
  );
  return leaves.map((node) => [node.textContent, getComputedStyle(node).color, behind(node)]);
})()`;

export const background = 'getComputedStyle(document.documentElement).backgroundColor';
export const width = 'document.documentElement.scrollWidth';
export const isHacked = "'hacked' in window";
export const focused = 'document.activeElement.tagName';

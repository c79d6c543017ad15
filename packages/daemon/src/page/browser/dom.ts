type Child = Node | string | undefined;

export interface Attributes {
  readonly [name: string]: string | number | undefined;
}

const svgNames = new Set(['svg', 'path', 'line', 'circle']);

/** An element with these attributes and children; every text is set as text, and so is never read as HTML. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes?: Attributes,
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name];
export function element(
  name: 'svg' | 'path' | 'line' | 'circle',
  attributes?: Attributes,
  ...children: readonly Child[]
): SVGElement;
export function element(
  name: string,
  attributes: Attributes = {},
  ...children: readonly Child[]
): Element {
  const made = svgNames.has(name)
    ? document.createElementNS('http://www.w3.org/2000/svg', name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined) made.setAttribute(key, String(value));
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** Sets a text only if it differs: setting it causes layout and screen readers to read it again. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets an attribute only where it is another. */
export function setAttribute(node: Element, name: string, value: string): void {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** The element of the document with this id. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the document has no #${id}`);
  return found;
}

import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Debian's chromium, without a window. It runs as root in containers, where its own sandbox cannot. */
export async function startBrowser(): Promise<Browser & AsyncDisposable> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath, args });
}

/** A page in a window of its own, and what its console complained about. */
export interface Seen extends AsyncDisposable {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** Opens an address and waits until something is shown. */
export async function open(
  browser: Browser,
  address: string,
  options: BrowserContextOptions & { readonly prepare?: (page: Page) => Promise<void> } = {},
): Promise<Seen> {
  const { prepare, ...context } = options;
  const window = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...context });
  const page = await window.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await prepare?.(page);
  await page.goto(address);
  await page.locator('#verdict:not(:empty)').waitFor();
  return { page, complaints, [Symbol.asyncDispose]: () => window.close() };
}

/** Where pictures of the pages go, for people to look at; undefined for nowhere. */
const pictures = process.env.PAGE_PICTURES;

export async function picture(page: Page, name: string): Promise<void> {
  if (pictures !== undefined)
    await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

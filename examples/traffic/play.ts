import { openScene, type Scene } from './scene.ts';

/**
 * Runs an example's script on the example's file. Everything that was started is ended whatever happens; what
 * failed is said, and the process exits with 1.
 */
export const play = (folder: string, script: (scene: Scene) => Promise<void>): Promise<void> =>
  playIn(() => openScene(folder), script);

/** The same on another scene. */
export function playIn<S extends AsyncDisposable>(
  open: () => Promise<S>,
  script: (scene: S) => Promise<void>,
): Promise<void> {
  return playScript(async (interruption) => {
    await using scene = await open();
    await Promise.race([script(scene), interruption]);
  });
}

/** The same for a script that starts and ends its own parts. */
export async function playScript(
  script: (interruption: Promise<never>) => Promise<void>,
): Promise<void> {
  try {
    await script(interrupted());
  } catch (error) {
    console.error(`the example failed: ${error instanceof Error ? error.message : error}`);
    // What the script still waits for will not come.
    process.exit(1);
  }
}

/** Rejects once somebody wants it to end, also before anybody waits for that. */
function interrupted(): Promise<never> {
  const interruption = new Promise<never>((_, reject) => {
    // Not `once`: execa ends this process itself where nobody else listens any more.
    for (const name of ['SIGINT', 'SIGTERM'] as const)
      process.on(name, () => reject(new Error(`interrupted by ${name}`)));
  });
  interruption.catch(() => {});
  return interruption;
}

import { cost } from './policy/cost.ts';
import { split } from './policy/split.ts';

/** What a policy costs each request, and whether traffic follows one that changes. */
export async function policy(): Promise<void> {
  await split();
  await cost();
}

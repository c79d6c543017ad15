import { messageOf } from '@smartstack/daemon';

/** What an output says of itself; where it throws, that it does, so that the others are shown all the same. */
export function statusOf<Status>(output: {
  status(): Status;
}): Status | { readonly trouble: string } {
  try {
    return output.status();
  } catch (error) {
    return { trouble: `cannot show its status: ${messageOf(error)}` };
  }
}

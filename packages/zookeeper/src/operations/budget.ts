/** A token bucket: a burst at once, then a steady rate. */
export interface Budget {
  /** Takes one token if there is one. */
  take(): boolean;
  /** How long until there is a token, in milliseconds. */
  wait(): number;
}

export interface BudgetLimits {
  readonly perSecond: number;
  readonly burst: number;
}

/** Without limits the bucket never empties. */
export function createBudget(
  limits: BudgetLimits | undefined,
  now: () => number = () => performance.now(),
): Budget {
  return limits ? createBucket(limits, now) : { take: () => true, wait: () => 0 };
}

function createBucket({ perSecond, burst }: BudgetLimits, now: () => number): Budget {
  let tokens = burst;
  let filled = now();

  function refill() {
    const time = now();
    tokens = Math.min(burst, tokens + ((time - filled) / 1000) * perSecond);
    filled = time;
  }

  return {
    take() {
      refill();
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    wait() {
      refill();
      return tokens >= 1 ? 0 : ((1 - tokens) / perSecond) * 1000;
    },
  };
}

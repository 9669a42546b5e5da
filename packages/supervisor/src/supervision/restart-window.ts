/**
 * Restart intensity, OTP's way: a list of instants, those older than the period fall out, one more than
 * `maxRestarts` inside it means give up. Time here is time alive: backoff must not make a crash loop look slow.
 */
export interface RestartWindow {
  readonly at: readonly number[]
}

export const emptyWindow: RestartWindow = { at: [] }

export interface WindowVerdict {
  readonly window: RestartWindow
  readonly exceeded: boolean
}

/** Counts one restart at `aliveMs`; exactly `maxRestarts` are allowed per period, the edge included. */
export function countRestart(
  window: RestartWindow,
  aliveMs: number,
  policy: { readonly maxRestarts: number; readonly periodMs: number },
): WindowVerdict {
  const at = [...window.at.filter((instant) => aliveMs - instant <= policy.periodMs), aliveMs]
  return { window: { at }, exceeded: at.length > policy.maxRestarts }
}

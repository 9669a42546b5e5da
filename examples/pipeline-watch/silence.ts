/** When a silent stream of data is worth an alarm: once per silence. Pure; all times in milliseconds since 1970. */
export interface Watch {
  readonly lastData: number
  /** The alarm of this silence has been raised. */
  readonly told: boolean
}

const silenceMs = 60_000

export const heard = (now: number): Watch => ({ lastData: now, told: false })

/** The first tick of all starts the watch: a pipeline that never delivers anything is silent, too. */
export function ticked(watch: Watch | undefined, now: number): { readonly watch: Watch; readonly alarm: boolean } {
  if (watch === undefined) return { watch: heard(now), alarm: false }
  const alarm = !watch.told && now - watch.lastData >= silenceMs
  return { watch: alarm ? { ...watch, told: true } : watch, alarm }
}

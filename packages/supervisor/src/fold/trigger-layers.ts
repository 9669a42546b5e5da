import type { Manifest, Trigger } from '../manifests/manifest.ts'
import { triggerId } from '../triggers/event-id.ts'

/** What an operator laid over the triggers of the manifest; never changed in place. */
export interface TriggerOverlay {
  /** None of them is of the manifest. */
  readonly added: readonly Trigger[]
  /** Ids of the manifest's. */
  readonly off: readonly string[]
}

export const noOverlay: TriggerOverlay = { added: [], off: [] }

interface Layers {
  readonly manifest: Manifest
  readonly overlay: TriggerOverlay
}

/** An overlay belongs to one process, but for the one that changes nothing. */
const known = new WeakMap<TriggerOverlay, { readonly manifest: Manifest; readonly triggers: readonly Trigger[] }>()

/** The triggers that a process has now, whoever gave them; the same list until one of its layers changes. */
export function triggersOf({ manifest, overlay }: Layers): readonly Trigger[] {
  if (overlay.added.length + overlay.off.length === 0) return manifest.triggers
  const kept = known.get(overlay)
  if (kept?.manifest === manifest) return kept.triggers
  const own = manifest.triggers.map((trigger) =>
    overlay.off.includes(triggerId(trigger)) ? { ...trigger, enabled: false as const } : trigger,
  )
  const triggers = [...own, ...overlay.added]
  known.set(overlay, { manifest, triggers })
  return triggers
}

/** The overlay with one more trigger: one of the manifest is turned on again instead. */
export function withTrigger({ manifest, overlay }: Layers, trigger: Trigger): TriggerOverlay {
  const id = triggerId(trigger)
  if (has(manifest, id)) return { ...overlay, off: overlay.off.filter((each) => each !== id) }
  return { ...overlay, added: [...overlay.added.filter((each) => triggerId(each) !== id), trigger] }
}

/** The overlay without one that was added; one of the manifest is turned off instead. */
export function withoutTrigger({ manifest, overlay }: Layers, id: string): TriggerOverlay {
  const off = has(manifest, id) && !overlay.off.includes(id) ? [...overlay.off, id] : overlay.off
  return { added: overlay.added.filter((each) => triggerId(each) !== id), off }
}

/** What is left of an overlay on another manifest: nothing is added that it brings itself, or off that it has not. */
export function onManifest({ added, off }: TriggerOverlay, manifest: Manifest): TriggerOverlay {
  return {
    added: added.filter((trigger) => !has(manifest, triggerId(trigger))),
    off: off.filter((id) => has(manifest, id)),
  }
}

const has = ({ triggers }: Manifest, id: string): boolean => triggers.some((trigger) => triggerId(trigger) === id)

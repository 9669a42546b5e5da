import type { Attention } from '../attention.ts'
import type { Manifest } from '../manifests/manifest.ts'
import type { ModelCatalog } from './catalog.ts'

/** Why a process runs no turn: its model has no key. What it accepts waits until Vigil is started with one. */
export function keyWait(catalog: ModelCatalog, { thinking }: Pick<Manifest, 'thinking'>): string | undefined {
  const why = thinking === undefined ? undefined : catalog.missingKey(thinking.model)
  return why === undefined ? undefined : `no key for ${thinking?.model}: ${why}`
}

/** The same for people. */
export function keyAttention(catalog: ModelCatalog, manifest: Pick<Manifest, 'thinking'>): Attention[] {
  const why = keyWait(catalog, manifest)
  return why === undefined ? [] : [{ what: `runs nothing: ${why}`, since: catalog.since }]
}

import { hash } from 'node:crypto'
import type { Bundle, Compute } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'

const nothing = 'module.exports = { default: {} }'
const noModule: Bundle = { hash: hash('sha256', nothing), code: nothing }

/** What the guest of an agent loads: its module, or a module in which nothing is, when it brings none. @throws BUNDLE_FAILED */
export const moduleOf = ({ entrypoint }: Manifest, compute: Pick<Compute, 'bundle'>): Promise<Bundle> =>
  entrypoint === undefined ? Promise.resolve(noModule) : compute.bundle(entrypoint)

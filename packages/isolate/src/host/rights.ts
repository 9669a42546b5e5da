import type { Permissions } from '@vigil/protocol'

/** What a guest may do beyond computing, as node spells it. */
export interface Rights {
  /** Flags of the permission model, for the cell and for the guest in it. */
  readonly flags: readonly string[]
  /** Modules of node that its loader lets through. */
  readonly builtins: readonly string[]
}

const none: Rights = { flags: [], builtins: [] }

export function rightsOf(permissions: Permissions | undefined): Rights {
  if (permissions === undefined) return none
  const { rawNetwork, fsRead, fsWrite, childProcess, addons } = permissions
  const files = fsRead.length + fsWrite.length > 0
  return {
    flags: [
      ...(rawNetwork ? ['--allow-net'] : []),
      ...fsRead.map((path) => `--allow-fs-read=${path}`),
      ...fsWrite.map((path) => `--allow-fs-write=${path}`),
      ...(childProcess ? ['--allow-child-process'] : []),
      ...(addons === undefined ? [] : ['--allow-addons']),
    ],
    builtins: [
      ...(rawNetwork ? ['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises'] : []),
      ...(files ? ['fs', 'fs/promises'] : []),
      ...(childProcess ? ['child_process'] : []),
    ],
  }
}

import { type FileSystem, VigilError } from '@vigil/protocol'
import type { World } from '../fold/world.ts'
import type { Manifest } from '../manifests/manifest.ts'
import { isWithin } from '../platform/path-within.ts'

/** What permissions may not open to an agent, because the gate could not close it again. */
export interface Grants {
  /** @throws INVALID_CONFIG with the field */
  admit(manifest: Manifest): Promise<void>
  /**
   * Whoever reaches a listener may call it, until the returned function is called.
   * @throws INVALID_STATE while an agent is there that would
   */
  listensToAll(): () => void
}

export interface GrantsParts {
  readonly fileSystem: FileSystem
  readonly world: World
  readonly dataDirectory: string | undefined
  /** Where a key of the vault may lie. */
  readonly keyFiles: readonly string[]
}

export function grants({ fileSystem, world, dataDirectory, keyFiles }: GrantsParts): Grants {
  const own = dataDirectory === undefined ? keyFiles : [dataDirectory, ...keyFiles]
  let listeners = 0
  const realOr = (path: string): Promise<string> => fileSystem.realPath(path).catch(() => path)

  const assertApart = async ({ name, permissions }: Manifest): Promise<void> => {
    for (const mine of own) {
      const kept = await realOr(mine)
      for (const field of ['fsRead', 'fsWrite'] as const) {
        for (const path of permissions[field]) {
          const real = await realOr(path)
          if (!isWithin(kept, real) && !isWithin(real, kept)) continue
          const expected = `expected a path without the data of Vigil, which are in ${mine}, found ${path}`
          throw new VigilError('INVALID_CONFIG', `${name}: permissions.${fieldNames[field]}: ${expected}`)
        }
      }
    }
  }

  return {
    async admit(manifest) {
      await assertApart(manifest)
      const way = wayOut(manifest)
      if (way === undefined || listeners === 0) return
      const found = 'a listener that asks for no token, which it would reach'
      throw new VigilError(
        'INVALID_CONFIG',
        `${manifest.name}: ${way}: expected a supervisor whose callers have a token, found ${found}`,
      )
    },
    listensToAll() {
      for (const { name, manifest } of world.values()) {
        const way = manifest === undefined ? undefined : wayOut(manifest)
        if (way === undefined) continue
        const expected = `expected a token for the listener, because "${name}" has ${way} and would reach it`
        throw new VigilError('INVALID_STATE', `${expected}, found none`)
      }
      listeners += 1
      return () => {
        listeners -= 1
      }
    },
  }
}

const fieldNames = { fsRead: 'fs_read', fsWrite: 'fs_write' } as const

/** By what an agent reaches every port of this machine: a permission, or a program that is run for it. */
function wayOut({ permissions: { rawNetwork, childProcess, addons }, servers = {} }: Manifest): string | undefined {
  if (rawNetwork) return 'permissions.raw_network'
  if (childProcess) return 'permissions.child_process'
  if (addons) return 'permissions.addons'
  const [program] = Object.entries(servers).find(([, server]) => 'command' in server) ?? []
  return program === undefined ? undefined : `servers.${program}.command`
}

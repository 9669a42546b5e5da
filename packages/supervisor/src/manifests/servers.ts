import { resolve } from 'node:path'
import type { ManifestDocument } from '@vigil/protocol'
import type { AgentSecret, Manifest, ToolServer } from './manifest.ts'

export const effectiveServers = (
  servers: ManifestDocument['servers'],
  baseDirectory: string,
): NonNullable<Manifest['servers']> =>
  Object.fromEntries(
    Object.entries(servers).map(([name, { url, headers = {}, command = '', args = [], env = {}, tools }]) => {
      const allowed = tools === undefined ? {} : { tools }
      // As a shell would take it: a path stands on the folder, a bare name is looked for.
      const program = command.includes('/') ? resolve(baseDirectory, command) : command
      const address = url === undefined ? { command: program, args, env, directory: baseDirectory } : { url, headers }
      return [name, { ...allowed, ...address }]
    }),
  )

const reference = /(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g

/** In headers and env of a server: each reference by what `of` gives for it. `$${` stands for `${`. */
export const withReferences = (text: string, of: (reference: string) => string): string =>
  text.replace(reference, (whole, escaped: string) => (escaped === '$' ? whole.slice(1) : of(whole)))

/** What the vault calls the value of a reference: no name of a secret that code could ask for. */
export const serverSecretName = (reference: string): string => `server.${reference.slice(2, -1)}`

const textsOf = (server: ToolServer): string[] => Object.values('url' in server ? server.headers : server.env)

/** The values that servers are given, as secrets of the process: looked up by the vault, kept out of all that is written. */
const secretsOf = new WeakMap<object, Readonly<Record<string, AgentSecret>>>()

export function serverSecrets({ servers }: Pick<Manifest, 'servers'>): Readonly<Record<string, AgentSecret>> {
  if (servers === undefined) return {}
  return secretsOf.getOrInsertComputed(servers, () => {
    const found: Record<string, AgentSecret> = {}
    for (const text of Object.values(servers).flatMap(textsOf))
      withReferences(text, (whole) => {
        const [variable = '', ...fallback] = whole.slice(2, -1).split(':-')
        // For no host: code cannot send it anywhere.
        const value = fallback.length === 0 ? { variable } : { variable, fallback: fallback.join(':-') }
        found[serverSecretName(whole)] = { ...value, hosts: [] }
        return ''
      })
    return found
  })
}

import type { BrokeredSecret, Random, ServerAddress } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { ToolServer } from '../manifests/manifest.ts'
import { serverSecretName, withReferences } from '../manifests/servers.ts'
import { secretBytes } from '../vault/secret-page.ts'
import type { Vault } from '../vault/vault.ts'

export interface FoundAddress {
  readonly address: ServerAddress
  /** Names of the secrets that go there. */
  readonly secrets: readonly string[]
}

/**
 * Where a server is, with what it is given. A header holds a placeholder that becomes bytes at the socket; a program gets its values in
 * its environment. @throws SECRET_MISSING, SECRET_DENIED
 */
export async function serverAddress(
  { vault, random }: { readonly vault: Pick<Vault, 'look'>; readonly random: Random },
  process: ProcessFold,
  server: ToolServer,
): Promise<FoundAddress> {
  const texts = Object.entries('url' in server ? server.headers : server.env)
  const found = new Map<string, BrokeredSecret>()
  for (const [, text] of texts) {
    const references: string[] = []
    withReferences(text, (whole) => String(references.push(whole)))
    for (const whole of references) {
      const name = serverSecretName(whole)
      const page = await vault.look(process, name)
      const placeholder = `vigil-server.${Buffer.from(random.bytes(16)).toString('hex')}`
      if (!found.has(whole)) found.set(whole, { name, placeholder, page })
    }
  }
  const filled = (put: (secret: BrokeredSecret) => string): Record<string, string> =>
    Object.fromEntries(
      texts.map(([key, text]) => [key, withReferences(text, (whole) => put(found.get(whole) as BrokeredSecret))]),
    )
  const secrets = [...found.values()]
  const names = secrets.map(({ name }) => name)
  if ('url' in server) {
    const headers = filled(({ placeholder }) => placeholder)
    return { address: { kind: 'http', url: server.url, headers, secrets }, secrets: names }
  }
  const { command, args, directory } = server
  const env = filled(({ page }) => Buffer.from(secretBytes(page)).toString())
  return { address: { kind: 'stdio', command, args, env, directory }, secrets: names }
}

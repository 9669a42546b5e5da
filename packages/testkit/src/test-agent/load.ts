import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { AgentDefinition, AgentRun } from '@vigil/agent'
import { nodeFileSystem } from '@vigil/journal'
import { loadManifests, type Manifest, type SpawnSpec } from '@vigil/supervisor'
import type { WorldAgent } from '../world/lives.ts'

/** An agent of its own making: configuration in camelCase (the policy of its tools as `toolPolicy`), and what it does. */
export type InlineAgent = Omit<SpawnSpec, 'entrypoint' | 'tools'> & {
  readonly toolPolicy?: SpawnSpec['tools']
} & AgentDefinition

/** An agent as the world takes it, and the folder that its relative paths stand on. */
export interface LoadedAgent {
  readonly name: string
  readonly agent: WorldAgent
  readonly baseDirectory: string
}

/**
 * Reads a manifest and its module as they are on the disk, or takes an agent as it is given.
 * @throws INVALID_CONFIG, UNKNOWN_FIELD, MISSING_FIELD, ENV_MISSING · an Error when the module exports no agent by default
 */
export async function loadAgent(
  source: string | URL | InlineAgent,
  env: Readonly<Record<string, string>>,
): Promise<LoadedAgent> {
  if (typeof source === 'object' && !(source instanceof URL)) {
    const { name, ...agent } = source
    return { name, agent, baseDirectory: process.cwd() }
  }
  const file = source instanceof URL ? fileURLToPath(source) : resolve(source)
  const [loaded] = await loadManifests([file], { fileSystem: nodeFileSystem(), env })
  if (loaded === undefined) throw new Error(`expected one manifest at ${file}, found none`)
  const { manifest, baseDirectory } = loaded
  return { name: manifest.name, agent: { ...(await definitionIn(manifest)), manifest }, baseDirectory }
}

async function definitionIn({ entrypoint }: Manifest): Promise<AgentDefinition> {
  if (entrypoint === undefined) return {}
  const { default: found } = (await import(pathToFileURL(entrypoint).href)) as { default?: unknown }
  if (typeof found === 'function') return { run: found as AgentRun }
  const definition = found as AgentDefinition | undefined
  if (typeof definition?.run === 'function') return { ...definition, run: definition.run.bind(definition) }
  if (definition?.tools !== undefined || definition?.result !== undefined) return definition
  throw new Error(`${entrypoint}: expected a function or an object with run() as default export, found ${typeof found}`)
}

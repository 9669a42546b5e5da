import { type Price, pricesOf, toDollars } from '@vigil/governance'
import { errorBody, type HttpClient, type ModelProvider } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { World } from '../fold/world.ts'
import { limitsCost } from '../ledger/ledger.ts'
import type { ModelCatalog } from './catalog.ts'
import type { ProviderSettings } from './provider-settings.ts'
import type { ModelStatus, ModelSurvey, ProviderStatus } from './survey-surface.ts'

export interface SurveyParts {
  readonly world: World
  readonly catalog: ModelCatalog
  readonly http: HttpClient
  /** Absent: all processes, and all of the configuration. */
  readonly isWanted?: ((process: string) => boolean) | undefined
  /** Whether to ask each provider for the list of its models. */
  readonly probes: boolean
}

const probeMs = 5_000

/** Which models manifests name, and what keeps any of them from being asked. */
export async function modelSurvey({ world, catalog, http, isWanted, probes }: SurveyParts): Promise<ModelSurvey> {
  const named = new Map<string, ProcessFold[]>()
  for (const process of world.values()) {
    const { thinking } = process.manifest
    if (thinking !== undefined && isWanted?.(process.name) !== false)
      named.getOrInsertComputed(thinking.model, () => []).push(process)
  }
  const models = [...named].map(([model, processes]) => modelStatus({ catalog, world }, model, processes))
  const used = new Set([...named.keys()].map((model) => providerOf(catalog, model)?.name))
  const shown = [...catalog.providers.values()].filter(
    ({ name, isConfigured }) => used.has(name) || (isWanted === undefined && isConfigured),
  )
  const providers = shown.map((settings) => providerStatus({ catalog, http, probes }, settings))
  return { pricesOf, models, providers: await Promise.all(providers) }
}

function providerOf(catalog: ModelCatalog, model: string): ProviderSettings | undefined {
  try {
    return catalog.model(model).provider
  } catch {
    return undefined
  }
}

function modelStatus(
  { catalog, world }: Pick<SurveyParts, 'catalog' | 'world'>,
  text: string,
  processes: readonly ProcessFold[],
): ModelStatus {
  const names = processes.map(({ name }) => name).sort()
  try {
    const { id, provider, price } = catalog.model(text)
    const noKey = catalog.missingKey(text)
    const limited = price === undefined ? processes.find((process) => limitsCost(world, process)) : undefined
    const unpriced = limited === undefined ? undefined : `it has no price, and ${limited.name} a limit in dollars`
    const problem = noKey ?? unpriced
    return {
      model: id,
      processes: names,
      simulated: provider === undefined,
      ...(price === undefined ? {} : { price: inDollars(price) }),
      ...(problem === undefined ? {} : { problem }),
    }
  } catch (error) {
    return { model: text, processes: names, simulated: false, problem: errorBody(error).message }
  }
}

const inDollars = ({ input, output }: Price) => ({ input: toDollars(input), output: toDollars(output) })

async function providerStatus(
  { catalog, http, probes }: Pick<SurveyParts, 'catalog' | 'http' | 'probes'>,
  settings: ProviderSettings,
): Promise<ProviderStatus> {
  const { name, baseUrl, keySource } = settings
  const why = keySource === undefined ? undefined : catalog.missingKey(`${name}:any`)
  const key = keySource === undefined ? 'not_needed' : why === undefined ? 'set' : 'missing'
  const found = { name, baseUrl, key } as const
  if (why !== undefined) return { ...found, problem: why }
  if (!probes) return found
  const problem = await problemOf(http, () => catalog.address(settings))
  return problem === undefined ? { ...found, reached: true } : { ...found, ...problem }
}

/** Any answer says that somebody is there; 401 and 403 say what of. */
async function problemOf(
  http: HttpClient,
  address: () => Promise<ModelProvider>,
): Promise<{ readonly reached: boolean; readonly problem: string } | undefined> {
  try {
    const { baseUrl, headers, key } = await address()
    const url = new URL(`${baseUrl}/models`)
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    const { status } = await http.send(
      {
        method: 'GET',
        url: url.href,
        headers: key === undefined ? headers : { authorization: `Bearer ${key.placeholder}`, ...headers },
        timeoutMs: probeMs,
        maxBodyBytes: 8_000_000,
        allow: [`${url.hostname}:${port}`],
        repeatable: true,
        secrets: key === undefined ? [] : [key],
      },
      new AbortController().signal,
    )
    if (status === 401 || status === 403) return { reached: true, problem: `it does not take the key (${status})` }
    return status >= 500 ? { reached: true, problem: `it answers with ${status}` } : undefined
  } catch (error) {
    return { reached: false, problem: errorBody(error).message }
  }
}

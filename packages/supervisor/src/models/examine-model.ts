import { toDollars } from '@vigil/governance'
import { errorBody } from '@vigil/protocol'
import type { Environment } from '../manifests/environment.ts'
import type { Manifest } from '../manifests/manifest.ts'
import { type Providers, priceFor, providerSettings } from './provider-settings.ts'
import { modelIdText, parseModelId } from './providers.ts'
import { simulatedProvider } from './simulated.ts'

/** The model of a manifest before anything runs. */
export interface ModelExamined {
  /** What it is and costs. */
  readonly words: string
  /** There is no such model. */
  readonly problem?: string
  /** Why it would not be asked as things stand. */
  readonly doubts: readonly string[]
}

/** Undefined: the agent thinks with none. Nobody is asked. */
export function examineModel(
  { thinking, budget }: Manifest,
  { providers = {}, env }: { readonly providers?: Providers | undefined; readonly env: Environment },
): ModelExamined | undefined {
  if (thinking === undefined) return undefined
  const known = providerSettings(providers, env)
  try {
    const id = parseModelId(thinking.model, known.keys())
    const settings = known.get(id.provider)
    if (id.provider === simulatedProvider || settings === undefined)
      return { words: `${modelIdText(id)}: simulated, no model thinks`, doubts: [] }
    const price = priceFor(settings, id.name)
    const { keySource: key } = settings
    const noKey = key !== undefined && 'variable' in key && !(env[key.variable] || key.fallback)
    const limited = Object.values(budget?.limits ?? {}).some(({ usd }) => usd !== undefined)
    const cost =
      price === undefined ? 'nobody knows its price' : `$${toDollars(price.input)} in, $${toDollars(price.output)} out`
    return {
      words: `${modelIdText(id)}: ${cost}`,
      doubts: [
        ...(noKey ? [`expected the variable ${key.variable}, found it unset: the agent waits for it`] : []),
        ...(price === undefined && limited
          ? ['expected a price in vigil.yaml beside a limit in dollars, found none: its calls are refused']
          : []),
      ],
    }
  } catch (error) {
    return { words: thinking.model, problem: errorBody(error).message, doubts: [] }
  }
}

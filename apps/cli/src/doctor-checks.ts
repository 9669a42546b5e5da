import type { ModelsView, ProcessView, RuntimeStatusView } from '@vigil/protocol'
import { align } from './tables.ts'

/** One thing that was looked at: well, worth knowing, or what keeps something from running. */
export interface Check {
  readonly what: string
  readonly state: 'ok' | 'note' | 'bad'
  readonly words: string
}

export interface Fleet {
  readonly status: RuntimeStatusView
  readonly processes: readonly ProcessView[]
  readonly models: ModelsView
}

export const isWell = (checks: readonly Check[]): boolean => checks.every(({ state }) => state !== 'bad')

export function doctorLines(checks: readonly Check[]): string[] {
  const ill = checks.filter(({ state }) => state === 'bad').length
  const end =
    ill === 0 ? 'nothing keeps anything from running' : `${ill} of ${checks.length} keep something from running`
  return [...align(checks.map(({ what, state, words }) => [marks[state], what, words])), '', end]
}

const marks = { ok: 'ok', note: '--', bad: '!!' } as const

/** What a supervisor says of itself, its agents, and what they think with. */
export function fleetChecks({ status, processes, models }: Fleet): Check[] {
  const notices = processes.filter(({ state }) => state !== 'failed')
  return [
    status.ready
      ? { what: 'supervisor', state: 'ok', words: `${status.processes.total} processes, data ${status.data}` }
      : { what: 'supervisor', state: 'bad', words: `takes nothing new; its disk is ${status.disk}` },
    ...(status.damaged ?? []).map(
      ({ segment, offset }): Check => ({
        ...{ what: 'journal', state: 'bad' },
        words: `${segment} is damaged at byte ${offset}: vigil journal verify`,
      }),
    ),
    ...guarantees(processes),
    ...processes.flatMap(({ name, state, parked }): Check[] =>
      state === 'failed' ? [{ what: name, state: 'bad', words: `has failed: ${parked ?? 'nobody knows why'}` }] : [],
    ),
    ...notices.flatMap(({ name, attention }) =>
      attention.map(
        ({ what }): Check => ({ what: name, state: what.startsWith('runs nothing') ? 'bad' : 'note', words: what }),
      ),
    ),
    ...models.models.map(modelCheck),
    ...models.providers.map(providerCheck),
    { what: 'prices', state: 'ok', words: `of ${models.prices_of}` },
  ]
}

/** What this machine gives, once for each tier that is used. */
function guarantees(processes: readonly ProcessView[]): Check[] {
  const words = new Set(processes.map(({ isolation, guarantee }) => `${isolation}: ${guarantee}`))
  return [...words].sort().map((each) => ({ what: 'isolation', state: 'ok', words: each }))
}

function modelCheck({ model, processes, simulated, price, problem }: ModelsView['models'][number]): Check {
  const of = `for ${processes.join(', ')}`
  if (problem !== undefined) return { what: model, state: 'bad', words: `${of}: ${problem}` }
  if (simulated) return { what: model, state: 'note', words: `${of}: simulated, no model thinks` }
  if (price === undefined)
    return { what: model, state: 'note', words: `${of}: nobody knows its price, and nothing limits it` }
  const cost =
    price.input + price.output === 0 ? 'free' : `$${price.input} in, $${price.output} out for a million tokens`
  return { what: model, state: 'ok', words: `${of}: ${cost}` }
}

function providerCheck({ name, base_url: url, key, reached, problem }: ModelsView['providers'][number]): Check {
  if (problem !== undefined) return { what: name, state: 'bad', words: `${url}: ${problem}` }
  const words = key === 'set' ? 'its key is set' : 'it needs no key'
  return { what: name, state: 'ok', words: `${url}: ${words}${reached === true ? ', and it answers' : ''}` }
}

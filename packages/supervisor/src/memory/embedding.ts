import { hash } from 'node:crypto'
import type { EmbedReply, ProcessName } from '@vigil/protocol'
import type { MemoryEntry, ProcessFold } from '../fold/process-fold.ts'
import type { CallSite } from '../gate/effect.ts'
import type { Gate } from '../gate/gate.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { misfit, rowFor, spaceOf, vectorBytes } from './space.ts'

/** Makes vectors for a memory, each as a call of a model that the turn pays for, and puts them on record. */
export interface Embedding {
  /** Of an entry that was just stored. Whatever goes wrong: it is found by its words alone. */
  entry(site: CallSite, id: string): Promise<void>
  /** Of a question, and of entries that have none yet; undefined when there is none to be had. */
  question(site: CallSite, query: string): Promise<{ readonly model: string; readonly vector: string } | undefined>
}

/** What a model reads of a text at the most, and how many texts it is given at once: so many vectors stand in one record. */
const longestText = 6_000
const textsAtOnce = 32

export function embedding({ log, call }: { readonly log: RecordLog; readonly call: Gate['call'] }): Embedding {
  const { world } = log

  /** The key names the texts: a crash finds those vectors again, and never others. */
  const vectorsOf = async (site: CallSite, model: string, texts: readonly string[]): Promise<readonly string[]> => {
    const { process, turn, key } = site
    const input = { model, texts: texts.map((text) => text.slice(0, longestText).toWellFormed()) }
    const name = hash('sha256', JSON.stringify(input)).slice(0, 16)
    const request = { process: process.name, turn: turn.turn, key: `${key}/model.embed:${name}#0`, input }
    const reply = await call({ ...request, kind: 'model.embed' })
    if ('over' in reply || !reply.outcome.ok) return []
    return (reply.outcome.value as EmbedReply).vectors
  }

  /** Those whose text is still the one that was read, and for which there is room. */
  const keep = (site: CallSite, model: string, read: readonly (readonly [MemoryEntry, string | undefined])[]): void => {
    const { process } = site
    const { memory } = process.manifest
    if (memory === undefined) return
    const row = rowFor(world, process)
    let bytes = 0
    const vectors = read.flatMap(([entry, data]): [string, string][] => {
      if (data === undefined || row.memory.get(entry.id)?.text !== entry.text) return []
      bytes += vectorBytes(data)
      return misfit(row, entry, { isEmbedded: true, more: bytes }) === undefined ? [[entry.id, data]] : []
    })
    if (vectors.length === 0) return
    const data = { model, vectors, ...spaceOf(memory) }
    log.commit([{ ...author(site), type: 'memory.embedded', data }], 'lazy')
  }

  return {
    async entry(site, id) {
      const model = site.process.manifest.memory?.embeddings
      const entry = rowFor(world, site.process).memory.get(id)
      if (model === undefined || entry === undefined || entry.vector?.model === model) return
      const [vector] = await vectorsOf(site, model, [entry.text])
      keep(site, model, [[entry, vector]])
    },
    async question(site, query) {
      const model = site.process.manifest.memory?.embeddings
      if (model === undefined || query.trim() === '') return undefined
      const lacking = withoutVector(rowFor(world, site.process), model)
      // Not in one call: what a model will not read of an old entry says nothing about the question.
      const made = lacking.length === 0 ? [] : await vectorsOf(site, model, textsOf(lacking))
      keep(
        site,
        model,
        lacking.map((entry, at) => [entry, made[at]] as const),
      )
      const [vector] = await vectorsOf(site, model, [query])
      if (vector === undefined) return undefined
      return { model, vector }
    },
  }
}

const textsOf = (entries: readonly MemoryEntry[]): string[] => entries.map(({ text }) => text)

/** The newest first. */
const withoutVector = ({ memory }: Pick<ProcessFold, 'memory'>, model: string): MemoryEntry[] =>
  [...memory.values()]
    .filter(({ vector }) => vector?.model !== model)
    .slice(-textsAtOnce)
    .reverse()

const author = ({ process, turn }: CallSite) => ({
  process: process.name as ProcessName,
  epoch: process.epoch,
  turn: turn.turn,
})

import { hash } from 'node:crypto'
import type { Clock, EmbedReply, Outcome, ProcessName, RecordDraft } from '@vigil/protocol'
import type { MemoryEntry, ProcessFold } from '../fold/process-fold.ts'
import type { World } from '../fold/world.ts'
import type { CallSite } from '../gate/effect.ts'
import type { Gate } from '../gate/gate.ts'
import { misfit, rowFor, spaceOf } from './space.ts'

/** Has vectors made for a memory, by calls of a model that the turn pays for. */
export interface Embedding {
  /** Of an entry that was just stored. Whatever goes wrong: it is found by its words alone. */
  entry(site: CallSite, id: string): Promise<void>
  /** Of a question, and of entries that have none yet; undefined when there is none to be had. */
  question(site: CallSite, query: string): Promise<{ readonly model: string; readonly vector: string } | undefined>
  /** What the outcome of such a call means for the memory. */
  beside(site: CallSite, outcome: Outcome): readonly RecordDraft[]
}

export interface EmbeddingParts {
  readonly world: World
  readonly clock: Clock
  /** Never rejects. */
  readonly call: Gate['call']
}

/** What a model reads of a text at the most, and how many texts it is given at once: so many vectors stand in one record. */
const longestText = 6_000
const textsAtOnce = 32

/** Whoever stores or searches waits no longer for vectors: words are found without them. */
const patienceMs = 30_000

export function embedding({ world, clock, call }: EmbeddingParts): Embedding {
  /** Calls that are being made, and for which entries. */
  const open = new Map<string, { readonly model: string; readonly entries: readonly MemoryEntry[] }>()

  /** Undefined when it takes too long; it is made to its end, and what comes of it is kept. */
  const inTime = <T>(made: Promise<T>): Promise<T | undefined> =>
    new Promise((resolve) => {
      const timer = clock.setTimer(patienceMs, () => resolve(undefined))
      void made.then((reply) => {
        timer.cancel()
        resolve(reply)
      })
    })

  /** The key names the texts: a crash finds those vectors again, and never others. `entries` are whose they are. */
  const vectorsOf = async (
    site: CallSite,
    { model, texts, entries = [] }: { model: string; texts: readonly string[]; entries?: readonly MemoryEntry[] },
  ): Promise<readonly string[]> => {
    const { process, turn } = site
    const input = { model, texts: texts.map((text) => text.slice(0, longestText).toWellFormed()) }
    const key = `${site.key}/model.embed:${hash('sha256', JSON.stringify(input)).slice(0, 16)}#0`
    const name = nameOf({ ...site, key })
    if (entries.length > 0) open.set(name, { model, entries })
    const made = call({ process: process.name, turn: turn.turn, key, kind: 'model.embed', input })
    void made.finally(() => open.delete(name))
    const reply = await inTime(made)
    if (reply === undefined || 'over' in reply || !reply.outcome.ok) return []
    return (reply.outcome.value as EmbedReply).vectors
  }

  /** Those whose text is still the one that was read, and for which there is room. */
  const kept = (
    { process }: CallSite,
    entries: readonly MemoryEntry[],
    vectors: readonly string[],
  ): [string, string][] => {
    const row = rowFor(world, process)
    let bytes = 0
    return entries.flatMap((entry, at): [string, string][] => {
      const data = vectors[at]
      if (data === undefined || row.memory.get(entry.id)?.text !== entry.text) return []
      bytes += data.length
      return misfit(row, entry, { isEmbedded: true, more: bytes }) === undefined ? [[entry.id, data]] : []
    })
  }

  return {
    async entry(site, id) {
      const model = site.process.manifest.memory?.embeddings
      const entry = rowFor(world, site.process).memory.get(id)
      if (model === undefined || entry === undefined || entry.vector?.model === model) return
      await vectorsOf(site, { model, texts: [entry.text], entries: [entry] })
    },
    async question(site, query) {
      const model = site.process.manifest.memory?.embeddings
      if (model === undefined || query.trim() === '') return undefined
      const entries = withoutVector(rowFor(world, site.process), model)
      // Not in one call: what a model will not read of an old entry says nothing about the question.
      if (entries.length > 0) await vectorsOf(site, { model, texts: entries.map(({ text }) => text), entries })
      const [vector] = await vectorsOf(site, { model, texts: [query] })
      return vector === undefined ? undefined : { model, vector }
    },
    beside(site, outcome) {
      const asked = open.get(nameOf(site))
      const { memory } = site.process.manifest
      if (asked === undefined || memory === undefined || !outcome.ok) return []
      const vectors = kept(site, asked.entries, (outcome.value as EmbedReply).vectors)
      if (vectors.length === 0) return []
      const data = { model: asked.model, vectors, ...spaceOf(memory) }
      return [{ ...author(site), type: 'memory.embedded', data }]
    },
  }
}

const nameOf = ({ process, turn, key }: CallSite): string => `${process.name} ${turn.turn} ${key}`

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

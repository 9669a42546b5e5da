import { isDeepStrictEqual } from 'node:util'
import type { JournalRecord, Outcome } from '@vigil/protocol'

/** A tool that may begin only once and was begun in a life that is over has no outcome but a doubt, unless it can say itself what became of it. */
export function onceRunsOnce(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const reconciling = new Set<string>()
  const begun = new Map<string, { readonly epoch: number; readonly tool: string }>()
  for (const record of log) {
    const { process, turn, epoch } = record
    if (record.type === 'agent.described') {
      for (const { name, reconcile } of record.data.tools ?? [])
        if (reconcile === true) reconciling.add(`${name} of ${process}`)
    } else if (record.type === 'effect.intended' && record.data.kind === 'tool' && !record.data.repeatable) {
      const { name } = record.data.input as { readonly name: string }
      begun.set(`${process} ${turn} ${record.data.key}`, { epoch, tool: `${name} of ${process}` })
    } else if (record.type === 'effect.completed') {
      const call = `${process} ${turn} ${record.data.key}`
      const { outcome } = record.data
      const was = begun.get(call)
      begun.delete(call)
      if (was === undefined || was.epoch === epoch || reconciling.has(was.tool)) continue
      if (outcome.ok || outcome.error.code !== 'EFFECT_IN_DOUBT')
        broken.push(`record ${record.seq}: ${call} was begun in epoch ${was.epoch}, and ran again in epoch ${epoch}`)
    }
  }
  return broken
}

interface Word {
  readonly asked: { readonly input: unknown }
  outcome?: Outcome | undefined
}

/** No call that people have to approve begins before they have, and what begins is what they approved. */
export function approvedFirst(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const needing = new Set<string>()
  const words = new Map<string, Word>()
  for (const record of log) {
    const { process, turn } = record
    const place = (key: string): string => `${process} ${turn} ${key}`
    if (record.type === 'agent.described') {
      for (const { name, needs_approval } of record.data.tools ?? [])
        if (needs_approval === true) needing.add(`${name} of ${process}`)
    } else if (record.type === 'request.opened' && record.data.call === 'approval') {
      words.set(place(record.data.key), { asked: record.data.asked as Word['asked'] })
    } else if (record.type === 'request.decided' || record.type === 'request.expired') {
      const word = words.get(place(record.data.key))
      if (word !== undefined) word.outcome = record.data.outcome
    } else if (record.type === 'effect.intended' && ['tool', 'server.tool'].includes(record.data.kind)) {
      const { name, input } = record.data.input as { readonly name: string; readonly input: unknown }
      const word = words.get(place(`${record.data.key}/approval`))
      const say = (what: string): void => void broken.push(`record ${record.seq}: ${place(record.data.key)} ${what}`)
      if (word === undefined) {
        if (needing.has(`${name} of ${process}`)) say('needs an approval, and began without one')
        continue
      }
      const said = (word.outcome?.ok === true ? word.outcome.value : {}) as { approved?: boolean; edits?: unknown }
      if (said.approved !== true) say('began, and nobody had approved it')
      else if (!isDeepStrictEqual(input, said.edits === undefined ? word.asked.input : said.edits))
        say('began with another input than was approved')
    }
  }
  return broken
}

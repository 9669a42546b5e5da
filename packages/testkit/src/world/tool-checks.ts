import type { JournalRecord } from '@vigil/protocol'

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

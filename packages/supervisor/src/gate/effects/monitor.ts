import { type ExitCause, type JournalRecord, type JournalStore, VigilError } from '@vigil/protocol'
import type { World } from '../../fold/world.ts'
import { type CallSite, intendedRecord, type WaitingEffect } from '../effect.ts'

/** What `ctx.monitor` gives: how the life ended that was there when it was asked. */
interface Down {
  readonly process: string
  /** Absent when there was no life. */
  readonly epoch?: number
  readonly cause: ExitCause | { readonly kind: 'noproc' }
}

interface Watched {
  readonly process: string
  readonly epoch?: number
}

interface Watcher extends Watched {
  readonly epoch: number
  readonly site: CallSite
  readonly settle: (down: Down) => void
  readonly abort: (error: VigilError) => void
}

export interface Monitors {
  readonly effect: WaitingEffect<'monitor'>
  /** Told of each durable record: the end of a life is DOWN for those who watch it, the end of a turn forgets its watches. */
  heard(record: JournalRecord): void
}

/**
 * Watches over lives. Which life is watched is on record before the wait begins, so that DOWN comes once and for that life, also
 * when ring 0 dies in between; what ended meanwhile is found in the journal.
 */
export function monitors(world: World, journal: JournalStore): Monitors {
  const watchers = new Set<Watcher>()

  /** The first end after a life was watched: lives that rested in between were the same process, running. */
  const ended = async (process: string, epoch: number): Promise<Down> => {
    let before: number | undefined
    let cause: Down['cause'] = { kind: 'noproc' }
    for (;;) {
      const { records } = await journal.page({
        process,
        type: 'incarnation.exited',
        limit: 100,
        ...(before === undefined ? {} : { before }),
      })
      for (const record of records) {
        if (record.epoch < epoch) return { process, epoch, cause }
        if (record.type === 'incarnation.exited') cause = record.data.cause
      }
      before = records.at(-1)?.n
      // Older than what is kept: that it ended is certain, why is forgotten.
      if (before === undefined) return { process, epoch, cause }
    }
  }

  const down = (site: CallSite, { process, epoch }: Watched): Promise<Down> => {
    if (epoch === undefined) return Promise.resolve({ process, cause: { kind: 'noproc' } })
    const fold = world.get(process)
    if (fold === undefined || fold.exitedEpoch >= epoch) return ended(process, epoch)
    return new Promise((settle, abort) => void watchers.add({ process, epoch, site, settle, abort }))
  }

  return {
    effect: {
      record(site, { process }) {
        const fold = world.get(process)
        const isThere = fold?.alive === true || fold?.resting === true
        const input: Watched = isThere ? { process, epoch: fold.epoch } : { process }
        return intendedRecord(site, { kind: 'monitor', input, repeatable: true })
      },
      wait: async (site, intent) => ({ outcome: { ok: true, value: await down(site, intent as Watched) } }),
    },
    heard(record) {
      if (watchers.size === 0) return
      for (const watcher of watchers) {
        const { process, epoch, site } = watcher
        if (record.type === 'incarnation.exited' && record.process === process && record.epoch >= epoch) {
          watchers.delete(watcher)
          watcher.settle({ process, epoch, cause: record.data.cause })
        } else if (record.turn === site.turn.turn && world.get(site.process.name)?.turns.has(record.turn) !== true) {
          watchers.delete(watcher)
          watcher.abort(new VigilError('ABORTED', `turn ${record.turn} is over`))
        }
      }
    },
  }
}

import { join } from 'node:path'
import type { JournalRecord } from '@vigil/protocol'
import { blobStore } from '../blob-store.ts'
import { referenceIn } from '../line-bodies.ts'
import { bodyName, neededBodies } from './needed-bodies.ts'
import type { DataFiles } from './survey.ts'

/** The bodies beside a log that its records name. */
export interface BodySurvey {
  see(record: JournalRecord): void
  /** When every record was seen. */
  findings(): Promise<BodyFindings>
}

export interface BodyFindings {
  readonly whole: number
  /** Nobody needs them, or a repair has put on record that they are lost. */
  readonly gone: number
  readonly lost: readonly LostBody[]
}

export interface LostBody {
  /** Whose records name it. */
  readonly process: string
  readonly hash: string
  readonly path: string
  /** There is something else in its place. */
  readonly damaged: boolean
  readonly what: string
}

/** A body that is not there and that nobody needs was taken away; one that is something else is damaged. */
export function bodySurvey({ fileSystem, directory, beingWritten }: DataFiles): BodySurvey {
  const folder = join(directory, 'blobs')
  const blobs = blobStore(fileSystem, folder, () => 0)
  const named = new Map<string, { readonly process: string; readonly hash: string }>()
  const recorded = new Set<string>()
  const needs = neededBodies()
  return {
    see(record) {
      needs.see(record)
      if (record.type === 'journal.body_lost') recorded.add(bodyName(record.data.owner, record.data.blob))
      const hash = referenceIn(record)?.$blob
      if (hash !== undefined) named.set(bodyName(record.process, hash), { process: record.process, hash })
    },
    async findings() {
      const needed = needs.needed()
      const lost: LostBody[] = []
      let [whole, gone] = [0, 0]
      for (const [name, { process, hash }] of named) {
        const path = join(folder, process, hash)
        const neededBy = needed.get(name)
        const damaged = (await fileSystem.stat(path)) !== undefined
        if (damaged && (await blobs.read(process, hash)) !== undefined) whole += 1
        else if (damaged) lost.push({ process, hash, path, damaged, what: damagedBody(neededBy) })
        // Behind what is durable a supervisor may have ended who needs it, and taken it away.
        else if (neededBy === undefined || recorded.has(name) || beingWritten) gone += 1
        else lost.push({ process, hash, path, damaged, what: `the body that ${neededBy} needs is gone` })
      }
      return { whole, gone, lost }
    },
  }
}

const damagedBody = (neededBy: string | undefined): string =>
  `the body is not what its name says${neededBy === undefined ? '' : `; ${neededBy} needs it`}`

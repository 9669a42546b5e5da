import type { RecordDraft } from '@vigil/protocol'
import type { SupervisorEvents } from '../surface.ts'
import { type FormIndex, formIndex, type Pattern } from './form-index.ts'
import { recordTexts } from './record-texts.ts'
import { patternsOf, type Redaction, redactionBy } from './redaction.ts'
import type { Vault } from './vault.ts'

/** All that some process could use now, and a word when that changes. */
export type LiveSecrets = Pick<Vault, 'live' | 'changed'>

export type Emit = { readonly [E in keyof SupervisorEvents]: SupervisorEvents[E] }

/** Keeps every secret that is live out of what ring 0 writes and tells. While there is none nothing is looked at. */
export interface LiveRedaction extends Redaction {
  /** From now on these are looked for, too. */
  follow(secrets: LiveSecrets): void
  draft<D extends RecordDraft>(draft: D): D
  emit(emit: Emit): Emit
  close(): void
}

export function liveRedaction(): LiveRedaction {
  const known = new Map<SharedArrayBuffer, readonly Pattern[]>()
  const followed = new Map<LiveSecrets, () => void>()
  const live = function* () {
    for (const secrets of followed.keys()) yield* secrets.live()
  }
  let isStale = false
  let index: FormIndex | undefined

  const forget = (): void => {
    const pages = new Set([...live()].map(({ page }) => page))
    for (const [page, patterns] of known) {
      if (pages.has(page)) continue
      for (const { bytes } of patterns) bytes.fill(0)
      known.delete(page)
    }
    index?.zero()
    index = undefined
    isStale = true
  }

  /** When something is to be looked through, and not at each change: a fleet that starts changes often. */
  const present = (): FormIndex | undefined => {
    if (!isStale) return index
    isStale = false
    for (const secret of live()) if (!known.has(secret.page)) known.set(secret.page, patternsOf(secret))
    const patterns = [...known.values()].flat()
    index = patterns.length === 0 ? undefined : formIndex(patterns)
    return index
  }

  const redaction = redactionBy(present)
  return {
    ...redaction,
    follow(secrets) {
      followed.set(secrets, secrets.changed(forget))
      isStale = true
    },
    draft: (draft) => (present() === undefined ? draft : cleanDraft(draft, redaction)),
    emit: (emit) => ({
      // Of what is on record already.
      record: emit.record,
      log: (line) => emit.log(redaction.value(line)),
      report: (report) => emit.report(redaction.value(report)),
      fatal: emit.fatal,
    }),
    close() {
      for (const unfollow of followed.values()) unfollow()
      followed.clear()
      forget()
    },
  }
}

function cleanDraft<D extends RecordDraft>(draft: D, redaction: Redaction): D {
  const data = recordTexts[draft.type].reduce<unknown>(
    (part, path) => cleanAt(part, path.split('.'), redaction),
    draft.data,
  )
  return data === draft.data ? draft : { ...draft, data: data as D['data'] }
}

function cleanAt(part: unknown, [field, ...rest]: readonly string[], redaction: Redaction): unknown {
  if (field === undefined) return redaction.value(part)
  const object = part as Readonly<Record<string, unknown>> | undefined
  if (object?.[field] === undefined) return part
  const clean = cleanAt(object[field], rest, redaction)
  return clean === object[field] ? part : { ...object, [field]: clean }
}

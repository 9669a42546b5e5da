import type { Clock, HttpClient, JournalRecord, Random } from '@vigil/protocol'
import type { Decider } from '../gate/decide.ts'
import { type PeopleEffects, peopleEffects } from '../gate/effects/people.ts'
import type { NoticeTarget } from '../manifests/manifest.ts'
import { noticeOutbox } from '../notices/outbox.ts'
import { peopleNotices } from '../notices/people-notices.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { HookSecrets } from '../triggers/webhook/hook-secrets.ts'
import { approvalDecider, moreBudget } from './approvals.ts'
import { requestDeadlines } from './deadlines.ts'

/** All that has to do with people who are asked: what needs them, who waits for them, who tells them, and who speaks when they do not. */
export interface People extends Pick<PeopleEffects, 'approve' | 'ask_human'> {
  /** Lets nobody make a call that people have to approve before they have. */
  readonly decider: Decider
  /** Asks people for more, where a budget has no room and says that they are to be asked. */
  readonly askMore: ReturnType<typeof moreBudget>
  /** Told of each durable record. */
  heard(record: JournalRecord): void
  close(): void
}

export interface PeopleParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly random: Random
  readonly http: Pick<HttpClient, 'send'>
  readonly secrets: Pick<HookSecrets, 'look'>
  /** Where people are told, if a manifest does not say. */
  readonly notify: NoticeTarget | undefined
  /** The policy spoke for people: whoever waited for them may go on. */
  readonly expired: (process: string) => void
  readonly lost: (process: string, message: string) => void
}

export function people({ log, clock, random, http, secrets, notify, expired, lost }: PeopleParts): People {
  const effects = peopleEffects({ world: log.world, clock, random })
  const deadlines = requestDeadlines(log, clock, expired)
  const notices = peopleNotices({ log, clock, random }, notify)
  const outbox = noticeOutbox({ log, clock, random, http, secrets, lost })
  const { approve, ask_human, spoken } = effects
  return {
    approve,
    ask_human,
    decider: approvalDecider({ log, clock, random, spoken }),
    askMore: moreBudget({ log, clock, random, spoken }),
    heard(record) {
      for (const each of [effects, deadlines, notices, outbox]) each.heard(record)
    },
    close() {
      deadlines.close()
      outbox.close()
    },
  }
}

import type { JournalRecord } from '@vigil/protocol'
import type { World } from '../world/world.ts'

/** What an agent asks people for. Each word lets time pass until it is on record. @throws what `Supervisor.decide` throws */
export interface TestRequest {
  readonly id: string
  readonly kind: 'approval' | 'question' | 'budget'
  readonly asked: unknown
  readonly deadline: string
  approve(word?: { readonly edits?: unknown; readonly reason?: string }): Promise<void>
  deny(reason?: string): Promise<void>
  answer(answer: unknown): Promise<void>
}

const by = 'tester'
const longestMs = 60_000

/** As the records say that anybody was told of. */
export function openRequests(w: World, name: string): TestRequest[] {
  const open = new Map<string, { readonly turn: string | undefined; readonly request: TestRequest }>()
  for (const record of w.told.flat()) {
    if (record.process !== name) continue
    if (record.type === 'request.opened') open.set(record.data.id, { turn: record.turn, request: requestOf(w, record) })
    else if (record.type === 'request.decided') open.delete(record.data.id)
    else if (record.type === 'request.expired' && record.data.outcome !== undefined) open.delete(record.data.id)
    else if (ends.has(record.type)) for (const [id, { turn }] of open) if (turn === record.turn) open.delete(id)
  }
  return [...open.values()].map(({ request }) => request)
}

const ends: ReadonlySet<JournalRecord['type']> = new Set(['turn.completed', 'turn.dead_lettered', 'turn.cancelled'])

function requestOf(w: World, { data }: Extract<JournalRecord, { type: 'request.opened' }>): TestRequest {
  const { id, kind, asked, deadline } = data
  const decide = (word: object): Promise<void> => passing(w, () => w.supervisor?.decide(id, word, by))
  return {
    ...{ id, kind, asked, deadline },
    approve: (word = {}) => decide({ decision: 'approve', ...word }),
    deny: (reason) => decide({ decision: 'deny', ...(reason === undefined ? {} : { reason }) }),
    answer: (answer) => decide({ answer }),
  }
}

/** Nothing comes to an end in a world whose time stands. */
async function passing(w: World, act: () => Promise<void> | undefined): Promise<void> {
  const end: { done?: true; error?: unknown } = {}
  void act()?.then(
    () => {
      end.done = true
    },
    (error: unknown) => {
      end.error = error
    },
  )
  const isOver = (): boolean => end.done === true || end.error !== undefined
  await w.until(isOver, longestMs)
  if (end.error !== undefined) throw end.error
  if (!isOver()) throw new Error('ring 0 was down, and nobody heard the word')
}

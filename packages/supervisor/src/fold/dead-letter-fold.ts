import { type JournalRecord, limits } from '@vigil/protocol'
import { lacksBody } from './needed-bodies.ts'
import type { DeadLetter, ProcessFold } from './process-fold.ts'

/** Keeps what ended badly for people, the newest thousand. */
export function keepDeadLetter(process: ProcessFold, letter: DeadLetter): void {
  process.deadLetters.push(lacksBody(letter.event) ? { ...letter, lacksBody: true } : letter)
  if (process.deadLetters.length > limits.deadLetters) process.deadLetters.shift()
}

export function removeDeadLetter(process: ProcessFold, eventId: string): void {
  const place = process.deadLetters.findIndex(({ event }) => event.event_id === eventId)
  if (place !== -1) process.deadLetters.splice(place, 1)
}

export function foldDiscarded(
  process: ProcessFold,
  { data }: Extract<JournalRecord, { type: 'dead_letter.discarded' }>,
): void {
  for (const id of data.event_ids) removeDeadLetter(process, id)
}

import type { AcceptedEvent, ProcessName, RecordDraft } from '@vigil/protocol'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'
import type { World } from '../fold/world.ts'
import { entryId, misfit, rowFor, spaceOf } from './space.ts'

const longestEvent = 500
/** Every character may take four bytes. */
const longestResult = 15_000

/** What a thinking turn came to, kept with what it was about: nothing when it came to nothing or the memory is full. */
export function rememberedRecords(
  world: World,
  process: ProcessFold,
  { turn, result }: { readonly turn: TurnFold; readonly result: unknown },
): RecordDraft[] {
  const { memory } = process.manifest
  const said = typeof result === 'string' ? result : JSON.stringify(result ?? '')
  if (memory?.autoStore !== true || turn.thinking === undefined || said.trim() === '' || said === '""') return []
  const about = inShort(process.mailbox.get(turn.eventId))
  const text = `${about}\n${said.slice(0, longestResult)}`.toWellFormed()
  const entry = { id: entryId('turn', process.name, turn.turn), text, tags: ['auto'] }
  if (misfit(rowFor(world, process), entry) !== undefined) return []
  const author = { process: process.name as ProcessName, epoch: process.epoch, turn: turn.turn }
  return [{ ...author, type: 'memory.stored', data: { ...entry, ...spaceOf(memory) } }]
}

function inShort(event: AcceptedEvent | undefined): string {
  if (event === undefined) return ''
  const payload = JSON.stringify(event.payload)
  return `${event.type} ${payload.length > longestEvent ? `${payload.slice(0, longestEvent)}...` : payload}`
}

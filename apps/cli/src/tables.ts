import type { EntryView, ProcessView } from '@vigil/protocol'
import { exitWords } from './exit-words.ts'

/** Tables for people. Pure: rows in, lines out. */
export function processTable(processes: readonly ProcessView[]): string[] {
  const rows = processes.map(({ name, state, residency, restarts, mailbox, counters, last_exit, parked }) => [
    name,
    state === 'running' && residency === 'hibernated' ? 'running, asleep' : state,
    String(restarts),
    String(mailbox.waiting),
    String(counters.completed),
    String(mailbox.dead_letters),
    [
      last_exit === undefined ? '-' : exitWords(last_exit.cause),
      ...(parked === undefined ? [] : [`parked: ${parked}`]),
    ].join(', '),
  ])
  return align([['NAME', 'STATE', 'RESTARTS', 'WAITING', 'DONE', 'DEAD', 'LAST EXIT'], ...rows])
}

/** Records in the order given, one line each; data as one line of JSON. */
export function entryLines(entries: readonly EntryView[]): string[] {
  return entries.map(({ n, at, type, turn, data }) => {
    const place = `${String(n).padStart(6)}  ${at}  ${type.padEnd(22)}`
    return `${place}${turn === undefined ? '' : `  ${turn}`}  ${JSON.stringify(data)}`
  })
}

export function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

import type { RewindingView, TurnReplayView } from '@vigil/protocol'
import type { Command } from 'commander'
import { align } from './tables.ts'
import type { VerbParts } from './turn-verbs.ts'

/** The verbs over the past of a process: bring its state back, begin another life from it, look at a turn again. */
export function addHistoryVerbs(program: Command, { client, show }: VerbParts): void {
  program
    .command('rewind <name>')
    .description('Brings the state back; tells what would change, and does it with --yes. Nothing else goes back.')
    .requiredOption('--to <moment>', 'the number of a record, a turn, or a time such as 2026-01-31T12:00:00Z')
    .option('--yes', 'do it')
    .action(async (name: string, { to, yes }: { to: string; yes?: true }) => {
      const view = await client().rewind(name, to, { dryRun: yes !== true })
      show(view, () => rewindingLines(view))
    })
  program
    .command('fork <name> <as>')
    .description('A new process with the configuration and code of this one; it starts stopped.')
    .option('--at <moment>', 'with the state of then: the number of a record, a turn, or a time; default now')
    .action(async (name: string, as: string, { at }: { at?: string }) => {
      const view = await client().fork(name, as, at)
      show(view, () => [`${view.name} is ${view.state}; vigil start ${view.name}`])
    })
  program
    .command('replay <name> <turn>')
    .description('Runs an ended turn again with the code of today against its recorded outcomes; nothing is done.')
    .option('--diff', 'show both ends when they part')
    .action(async (name: string, turn: string, { diff }: { diff?: true }) => {
      const view = await client().replayTurn(name, turn)
      show(view, () => replayLines(view, diff === true))
    })
}

function rewindingLines({ n, changes, messages, applied }: RewindingView): string[] {
  if (changes.length + messages === 0) return [`the state is what it was at record ${n}`]
  const cell = (value: unknown): string => (value === undefined ? '-' : JSON.stringify(value))
  return [
    ...(changes.length === 0
      ? []
      : align([
          ['KEY', 'NOW', `AT ${n}`],
          ...changes.map(({ key, before, after }) => [key, cell(before), cell(after)]),
        ])),
    ...(messages === 0 ? [] : [`${messages} messages of the conversation`]),
    applied ? 'done' : 'nothing was changed; --yes does it',
  ]
}

function replayLines(view: TurnReplayView, diff: boolean): string[] {
  if (view.same) return [`turn ${view.turn}: the code of today does the same`]
  return [
    `turn ${view.turn}: the code of today parts from the record`,
    ...(view.failed === undefined ? [] : [`  failed: ${view.failed}`]),
    ...view.unasked.map((key) => `  on record, not asked for: ${key}`),
    ...view.unrecorded.map(({ key, input }) => `  asked for, not on record: ${key} ${JSON.stringify(input)}`),
    ...(diff
      ? [`  recorded: ${JSON.stringify(view.recorded)}`, `  replayed: ${JSON.stringify(view.replayed ?? null)}`]
      : []),
  ]
}

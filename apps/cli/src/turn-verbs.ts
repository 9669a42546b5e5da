import type { Client, DeadLetterView, DoubtView, TurnSummaryView } from '@vigil/protocol'
import { VigilError } from '@vigil/protocol'
import type { Command } from 'commander'
import { align, entryLines } from './tables.ts'

/** The verbs over turns: what is open or ended, what ended badly, what nobody knows. */
export interface VerbParts {
  readonly client: () => Client
  /** Prints the view as JSON, or these lines for people. */
  readonly show: (view: unknown, lines: () => readonly string[]) => void
}

export function addTurnVerbs(program: Command, { client, show }: VerbParts): void {
  const turns = program.command('turns').description('Turns of a process: open ones first, then those that ended.')
  turns
    .command('list <name>', { isDefault: true })
    .description('Lists turns.')
    .option('--state <state>', 'waiting, running, suspended, retrying, awaiting, completed, failed or cancelled')
    .option('--limit <n>', 'how many', '50')
    .action(async (name: string, { state, limit }: { state?: string; limit: string }) => {
      const wanted = state === 'failed' ? 'dead_lettered' : state
      const query = { limit: Number(limit), ...(wanted === undefined ? {} : { state: wanted }) }
      const view = await client().turns(name, query)
      show(view, () => turnTable(view.turns))
    })
  turns
    .command('show <name> <turn>')
    .description('What happened in one turn.')
    .action(async (name: string, turn: string) => {
      const view = await client().turn(name, turn)
      show(view, () => entryLines(view.entries))
    })
  turns
    .command('cancel <name> <turn>')
    .description('Ends a turn, or an event whose turn has not begun.')
    .action(async (name: string, turn: string) => {
      const view = await client().cancelTurn(name, turn)
      show(view, () => [`turn ${turn} is cancelled; what its effects did stays done`])
    })
  addDeadLetterVerbs(program, { client, show })
  program
    .command('doubts [id] [outcome]')
    .description('Effects that may or may not have happened; or says what became of one: done, not_done or retry.')
    .option('--result <json>', 'what the effect gave, with done')
    .action(async (id: string | undefined, outcome: string | undefined, { result }: { result?: string }) => {
      if (id === undefined) {
        const view = await client().doubts()
        return show(view, () => doubtTable(view.doubts))
      }
      if (outcome === undefined)
        throw new VigilError('INVALID_ARGUMENT', 'expected done, not_done or retry behind the id, found nothing')
      const view = await client().resolveDoubt(id, {
        outcome,
        ...(result === undefined ? {} : { result: json(result) }),
      })
      show(view, () => [`${id}: ${outcome}; its turn goes on`])
    })
}

function addDeadLetterVerbs(program: Command, { client, show }: VerbParts): void {
  const letters = program.command('dead-letters').description('Events whose turns ended badly.')
  letters
    .command('show <name>', { isDefault: true })
    .description('Lists them, oldest first.')
    .action(async (name: string) => {
      const view = await client().deadLetters(name)
      show(view, () => deadLetterTable(view.dead_letters))
    })
  letters
    .command('redeliver <name> [events...]')
    .description('Puts them into the mailbox again, each as a new event; all, if none is named.')
    .action(async (name: string, events: string[]) => {
      const view = await client().redeliver(name, events.length === 0 ? undefined : events)
      show(view, () => [`${view.event_ids.length} came into the mailbox again`])
    })
  letters
    .command('discard <name> [events...]')
    .description('Forgets them for good; all, if none is named.')
    .action(async (name: string, events: string[]) => {
      const view = await client().discard(name, events)
      show(view, () => [`${view.discarded} forgotten`])
    })
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new VigilError('INVALID_JSON', `--result: expected JSON, found ${JSON.stringify(text)}`, { cause: error })
  }
}

const turnTable = (turns: readonly TurnSummaryView[]): string[] =>
  align([
    ['TURN', 'STATE', 'ATTEMPT', 'AT', 'WHY'],
    ...turns.map(({ turn, state, attempt, at, why }) => [turn, state, String(attempt), at, why ?? '']),
  ])

const deadLetterTable = (letters: readonly DeadLetterView[]): string[] =>
  align([
    ['EVENT', 'AT', 'ATTEMPTS', 'REASON', 'ERROR'],
    ...letters.map(({ event_id, at, attempts, reason, error }) => [
      event_id,
      at,
      String(attempts),
      reason,
      `${error.code}: ${error.message}`,
    ]),
  ])

const doubtTable = (doubts: readonly DoubtView[]): string[] =>
  align([
    ['ID', 'PROCESS', 'TURN', 'SINCE', 'EFFECT', 'INPUT'],
    ...doubts.map(({ id, process, turn, at, key, input }) => [
      id,
      process,
      turn,
      at,
      key,
      JSON.stringify(input ?? null),
    ]),
  ])

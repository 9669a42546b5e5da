import type { RequestView } from '@vigil/protocol'
import type { Command } from 'commander'
import { type Inputs, jsonOf } from './given.ts'
import { align } from './tables.ts'
import type { VerbParts } from './turn-verbs.ts'

/** The verbs of people: what waits for them, and what they say. */
export function addRequestVerbs(
  program: Command,
  { client, show, inputs }: VerbParts & { readonly inputs: Inputs },
): void {
  program
    .command('requests [name]')
    .description('What turns ask people for.')
    .option('--kind <kind>', 'approval, question or budget')
    .action(async (name: string | undefined, { kind }: { kind?: string }) => {
      const query = { ...(name === undefined ? {} : { process: name }), ...(kind === undefined ? {} : { kind }) }
      const view = await client().requests(query)
      show(view, () => requestTable(view.requests))
    })
  program
    .command('approve <id>')
    .description('Agrees to what a turn asks for.')
    .option('--edits <json>', 'what is to be done instead; @FILE, or - for stdin')
    .option('--reason <text>', 'goes on record, and to the agent')
    .action(async (id: string, { edits, reason }: { edits?: string; reason?: string }) => {
      const changed = edits === undefined ? {} : { edits: await jsonOf(edits, '--edits', inputs) }
      const view = await client().decideRequest(id, { decision: 'approve', ...changed, ...because(reason) })
      show(view, () => [`${id} is approved; its turn goes on`])
    })
  program
    .command('deny <id>')
    .description('Refuses what a turn asks for.')
    .option('--reason <text>', 'goes on record, and to the agent')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const view = await client().decideRequest(id, { decision: 'deny', ...because(reason) })
      show(view, () => [`${id} is denied; its turn goes on`])
    })
  program
    .command('answer <id> <text>')
    .description('Answers the question of a turn: a text, or JSON where it asks for what a schema describes.')
    .option('--reason <text>', 'goes on record')
    .action(async (id: string, text: string, { reason }: { reason?: string }) => {
      const asked = (await client().requests()).requests.find((request) => request.id === id)
      const { schema } = (asked?.asked ?? {}) as { readonly schema?: unknown }
      const answer = schema === undefined ? text : await jsonOf(text, 'the answer', inputs)
      const view = await client().decideRequest(id, { answer, ...because(reason) })
      show(view, () => [`${id} is answered; its turn goes on`])
    })
}

const because = (reason: string | undefined) => (reason === undefined ? {} : { reason })

const requestTable = (requests: readonly RequestView[]): string[] =>
  align([
    ['ID', 'KIND', 'PROCESS', 'SINCE', 'UNTIL', 'THEN', 'ASKS'],
    ...requests.map(({ id, kind, process, at, deadline, on_timeout, asked }) => [
      ...[id, kind, process, at, deadline, on_timeout],
      wordsOf(asked),
    ]),
  ])

function wordsOf(asked: unknown): string {
  const { action, question, tool, details, input, options } = (asked ?? {}) as Readonly<Record<string, unknown>>
  const more = details ?? input ?? options
  return `${String(question ?? action ?? tool ?? '')}${more === undefined ? '' : ` ${JSON.stringify(more)}`}`
}

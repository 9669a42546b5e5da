import { exitCodes, type TurnView, VigilError } from '@vigil/protocol'
import type { Command } from 'commander'
import { type Inputs, jsonOf } from './given.ts'
import type { VerbParts } from './turn-verbs.ts'

/** So long the supervisor lets one call wait; whoever waits longer asks again. */
const waitMs = 60_000

interface RunParts extends VerbParts {
  readonly inputs: Inputs
  readonly signal: AbortSignal
  readonly ended: (code: number) => void
  readonly uuid: () => string
}

/** Gives a process an event of a person's own, and waits for its turn if asked to. */
export function addRunVerb(program: Command, { client, show, inputs, signal, ended, uuid }: RunParts): void {
  program
    .command('run <name>')
    .description('Gives a process a manual event; with --wait prints the result of its turn.')
    .option('--payload <json>', 'JSON, @FILE or - for stdin', 'null')
    .option('--wait', 'until the turn ends; exit code 1 when it does not end well')
    .option('--key <key>', 'idempotency key: the same again is the same event')
    .action(async (name: string, options: { payload: string; wait?: true; key?: string }) => {
      const payload = await jsonOf(options.payload, '--payload', inputs)
      if (options.wait !== true) {
        const view = await client().postEvent(
          name,
          payload,
          options.key === undefined ? {} : { idempotencyKey: options.key },
        )
        const isAgain = 'duplicate' in view && view.duplicate
        return show(view, () => [`event ${view.event_id} ${isAgain ? 'was accepted before' : 'is accepted'}`])
      }
      // Asking again under the same key is asking about the same event.
      const asked = { idempotencyKey: options.key ?? uuid(), waitMs }
      const ask = () => Promise.race([client().postEvent(name, payload, asked), leaving(signal)])
      let view = await ask()
      while (!('status' in view)) view = await ask()
      const end = view
      show(end, () => endLines(end))
      if (end.status !== 'completed') ended(exitCodes.failed)
    })
}

/** Rejects when nobody wants to wait any more. */
function leaving(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  const leave = () => reject(new VigilError('ABORTED', 'stopped waiting; an event that was accepted stays so'))
  if (signal.aborted) leave()
  else signal.addEventListener('abort', leave, { once: true })
  return promise
}

function endLines(end: TurnView): string[] {
  if (end.status === 'completed') return [JSON.stringify(end.result, null, 2)]
  const why = end.status === 'cancelled' ? end.reason : `${end.error.code}: ${end.error.message}`
  return [`turn ${end.turn} ended as ${end.status}: ${why}`]
}

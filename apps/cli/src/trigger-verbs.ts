import type { FiredView, TriggerView } from '@vigil/protocol'
import type { Command } from 'commander'
import { type Inputs, jsonOf, textOf } from './given.ts'
import { align } from './tables.ts'
import type { VerbParts } from './turn-verbs.ts'

/** The verbs over what wakes a process. */
export function addTriggerVerbs(program: Command, { client, show, inputs }: VerbParts & { inputs: Inputs }): void {
  const triggers = program.command('triggers').description('What wakes a process.')
  triggers
    .command('list <name>', { isDefault: true })
    .description('Lists its triggers.')
    .action(async (name: string) => {
      const view = await client().triggers(name)
      show(view, () => triggerTable(view.triggers))
    })
  triggers
    .command('add <name> <trigger>')
    .description(
      'One more trigger: YAML or JSON as in a manifest, @FILE or - for stdin; turns on again what rm turned off.',
    )
    .action(async (name: string, given: string) => {
      const view = await client().addTrigger(name, await textOf(given, inputs))
      show(view, () => [
        `${view.trigger_id} listens${view.next_fire === undefined ? '' : `; it fires next at ${view.next_fire}`}`,
      ])
    })
  triggers
    .command('rm <name> <trigger>')
    .description('Takes away one that was added, turns off one of the manifest.')
    .action(async (name: string, id: string) => {
      const view = await client().removeTrigger(name, id)
      show(view, () => [`${id} listens no more`])
    })
  triggers
    .command('fire <name> <trigger>')
    .description("Makes an event of the trigger's type.")
    .option('--payload <json>', 'its payload: JSON, @FILE or - for stdin', 'null')
    .action(async (name: string, id: string, { payload }: { payload: string }) => {
      const view = await client().fireTrigger(name, id, await jsonOf(payload, '--payload', inputs))
      show(view, () => [firedLine(view)])
    })
}

const firedLine = (view: FiredView): string =>
  view.accepted ? `event ${view.event_id} is accepted` : `the trigger did not take it: ${view.reason}`

/** Also a part of what `vigil status` tells. */
export const triggerTable = (triggers: readonly TriggerView[]): string[] =>
  align([
    ['TRIGGER', 'LISTENS TO', 'FROM', 'NEXT', 'TAKEN', 'NOT TAKEN', 'NOTE'],
    ...triggers.map((trigger) => [
      trigger.id,
      trigger.text,
      trigger.origin,
      trigger.next_fire ?? '-',
      String(trigger.accepted),
      notTaken(trigger),
      trigger.problem ?? (trigger.last_failure === undefined ? '' : `failed: ${trigger.last_failure.message}`),
    ]),
  ])

function notTaken({ refused = {}, missed = 0, skipped = 0 }: TriggerView): string {
  const counts = Object.entries({ ...refused, missed, skipped }).filter(([, count]) => count !== undefined && count > 0)
  return counts.map(([reason, count]) => `${count} ${reason}`).join(', ') || '-'
}

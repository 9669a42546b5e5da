import type { ProcessView } from '@vigil/protocol'
import { budgetFacts } from './budget-lines.ts'
import { exitWords } from './exit-words.ts'
import { align } from './tables.ts'
import { triggerTable } from './trigger-verbs.ts'

/** Everything that is known of one process, for people. Pure. */
export function statusLines(view: ProcessView): string[] {
  const { mailbox, counters, vitals, last_exit: lastExit, labels } = view
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['state', view.parked === undefined ? view.state : `${view.state}: ${view.parked}`],
    ['model', view.model],
    ['residency', view.residency],
    [
      'isolation',
      `${view.isolation} (${view.guarantee}); gone ${view.stop_bound_ms / 1_000} s after a stop at the latest`,
    ],
    [
      'labels',
      Object.entries(labels)
        .map((label) => label.join('='))
        .join(' ') || undefined,
    ],
    [
      'life',
      `${view.epoch}, revision ${view.revision}${view.pid === undefined ? '' : `, pid ${view.pid}`}, ${view.restarts} restarts`,
    ],
    ['vitals', vitals && `${vitals.memory_mb} MB, loop ${Math.round(vitals.loop * 100)} % busy`],
    ['last exit', lastExit && `${exitWords(lastExit.cause)} at ${lastExit.at}`],
    ['mailbox', mailboxWords(mailbox)],
    ...mailbox.behind.map(({ turn, why }): [string, string] => ['  behind', `${turn}, which ${why}`]),
    ['turns', turnWords(counters)],
    ...budgetFacts(view.budget),
    ['failures', counters.failures === 0 ? undefined : `${counters.failures} dead letters in a row`],
    ...view.servers.map(({ name, state, error, tools }): [string, string] => [
      'server',
      `${name}: ${state}${error === undefined ? '' : `, ${error}`}, ${tools} tools`,
    ]),
    ...view.attention.map(({ what, since }): [string, string] => ['attention', `${what} (since ${since})`]),
    ...view.drift.map(({ path, change }): [string, string] => [
      'drift',
      `${path} ${change === 'off' ? 'is turned off' : 'was added'} by an operator`,
    ]),
  ]
  const there = facts.filter((fact): fact is [string, string] => fact[1] !== undefined)
  const triggers = view.triggers.length === 0 ? ['no triggers'] : triggerTable(view.triggers)
  return [view.name, ...align(there.map(([name, words]) => [`  ${name}`, words])), '', ...triggers]
}

function mailboxWords({ waiting, open, dead_letters, waiting_since }: ProcessView['mailbox']): string {
  const since = waiting_since === undefined ? '' : ` since ${waiting_since}`
  return `${waiting} waiting${since}, ${open} open, ${dead_letters} dead letters`
}

const turnWords = ({ accepted, completed, dead_lettered, cancelled }: ProcessView['counters']): string =>
  `${accepted} accepted, ${completed} completed, ${dead_lettered} dead-lettered, ${cancelled} cancelled`

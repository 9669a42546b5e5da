/**
 * Named places in production code at which a test may kill ring 0: each opens a race that recovery has to win. Outside
 * tests `faultPoint` does nothing.
 */
export const faultPoints = {
  'journal.flush.before_write': 'records are folded and acted on in memory; none of their bytes is written',
  'journal.flush.before_sync':
    'lines are in the page cache: a dead process leaves them, a dead machine any part of them',
  'journal.flush.after_sync': 'records are durable, and nobody was told',
  'journal.segment.created': 'the next segment has a header and a durable name, and no record',
  'checkpoint.before_save': 'the rows of a round are packed; the log has gone on since they were taken',
  'checkpoint.after_save': 'a new round stands beside the two before it',
  'recovery.after_replay': 'the world is known again; that ring 0 died is not on record yet',
  'recovery.before_revive': 'deaths are on record; no process was given a new life',
  'incarnation.before_launch': 'a new epoch is folded; its cell was not launched',
  'incarnation.after_exit': 'a cell is gone; its end and the restart are not on record',
  'turn.before_start': 'an event was chosen; its turn is not on record',
  'turn.before_end': 'the guest has ended its turn; result and write set are not on record',
  'effect.before_act': 'the intent is durable; nothing was done outside',
  'effect.acted': 'it was done outside; the outcome is not on record',
  'effect.before_reply': 'the outcome is on record; the guest was not told',
  'trigger.before_accept': 'a file, slot or request was seen; the event is not on record',
} as const

export type FaultPoint = keyof typeof faultPoints

let observer: ((point: FaultPoint) => void) | undefined

/** Passes a named place. */
export function faultPoint(point: FaultPoint): void {
  observer?.(point)
}

/** For tests: `observe` hears of each point that is passed, before the code behind it runs. Returns the way to stop it. */
export function observeFaultPoints(observe: (point: FaultPoint) => void): () => void {
  observer = observe
  return () => {
    if (observer === observe) observer = undefined
  }
}

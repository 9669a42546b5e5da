import { Cron } from 'croner'

/** What is wrong with a cron pattern, in the words of a message, or undefined when it is good. */
export function scheduleProblem(expression: string, timezone: string): string | undefined {
  try {
    // Without a callback croner only calculates: nothing is armed.
    // A fixed start keeps the answer free of the clock: only impossible dates such as 31 February find nothing.
    const next = new Cron(expression, { timezone }).nextRun(new Date(0))
    return next === null ? `${JSON.stringify(expression)}, which never fires` : undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
    return `${JSON.stringify(expression)}: ${reason}`
  }
}

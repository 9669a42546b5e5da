import { createInterface } from 'node:readline'
import { startFakeOpenAI } from '@vigil/testkit'

/**
 * A model that answers at once. Prints its URL; after `hold N` on its input it keeps its answers back and prints `held` when N requests
 * have come, until it is told to `release` them.
 */
let latch: PromiseWithResolvers<void> | undefined
let awaited = 0
const fake = await startFakeOpenAI({
  async replies() {
    if (latch === undefined) return 'Done.'
    awaited -= 1
    if (awaited === 0) process.stdout.write('held\n')
    await latch.promise
    return 'Done.'
  },
})
process.stdout.write(`${fake.url}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const [command, count] = line.split(' ')
  if (command === 'hold') {
    latch = Promise.withResolvers()
    awaited = Number(count)
  } else {
    latch?.resolve()
    latch = undefined
  }
}
await fake.close()

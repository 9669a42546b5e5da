import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Preloaded into a supervisor that lives for a second at a time: its segments and checkpoints come as often as it dies. */
const smaller: readonly { readonly file: string; readonly find: string; readonly replace: string }[] = [
  {
    file: '/runtime/checkpointer.ts',
    find: 'everyMs: 300_000, everyRecords: 50_000',
    replace: 'everyMs: 700, everyRecords: 200',
  },
  { file: '/runtime/open.ts', find: 'segmentBytes ?? journal.segmentBytes', replace: '300_000' },
]

registerHooks({
  load(url, context, nextLoad) {
    const change = smaller.find(({ file }) => url.endsWith(file))
    if (change === undefined) return nextLoad(url, context)
    const source = readFileSync(fileURLToPath(url), 'utf8')
    if (!source.includes(change.find)) throw new Error(`expected ${change.find} in ${change.file}`)
    const text = source.replace(change.find, change.replace)
    return { format: 'module-typescript', source: text, shortCircuit: true }
  },
})

import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Preloaded into a child process: one file of the house is loaded with one place broken, as VIGIL_CANARY says. */
const { file, find, replace } = JSON.parse(process.env['VIGIL_CANARY'] as string) as {
  file: string
  find: string
  replace: string
}

registerHooks({
  load(url, context, nextLoad) {
    if (!url.endsWith(file)) return nextLoad(url, context)
    const source = readFileSync(fileURLToPath(url), 'utf8').replace(find, () => replace)
    return { format: 'module-typescript', source, shortCircuit: true }
  },
})

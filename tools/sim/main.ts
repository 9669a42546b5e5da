import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { faultPoints } from '@vigil/protocol'
import {
  type Fault,
  faultKinds,
  type SimulationResult,
  shrink,
  simulate,
  simulateSpending,
} from '@vigil/testkit/simulation'

/**
 * `pnpm sim [--seed N] [--runs M] [--faults JSON] [--quiet] [--whole] [--resume FILE] [--spending]`: a line for each seeded run of the whole of
 * ring 0 in virtual time; in the end what happened how often. At the first broken promise: what it was, a line that
 * repeats it with the fewest faults (--whole: with all of them, at once), and exit 1. With --resume a long count may be interrupted: the file keeps how many of the
 * runs are done. --spending: a fleet whose tools cost money, and its purses.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    faults: { type: 'string' },
    quiet: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    resume: { type: 'string' },
    spending: { type: 'boolean', default: false },
  },
})
const first = wholeNumber('--seed', values.seed)
const runs = wholeNumber('--runs', values.runs)
const plan = values.faults === undefined ? undefined : (JSON.parse(values.faults) as Fault[])
const done = values.resume !== undefined && existsSync(values.resume) ? Number(readFileSync(values.resume, 'utf8')) : 0
const began = performance.now()
const run = values.spending ? simulateSpending : simulate
const total = { steps: 0, virtualMs: 0, happened: new Map<string, number>(), places: new Set<string>() }

for (let seed = first + done; seed < first + runs; seed += 1) {
  const result = await run(seed, plan)
  tell(result)
  if (result.violations.length > 0) {
    const smallest = values.whole ? result : await shrink(result, run)
    for (const violation of smallest.violations.slice(0, 10)) process.stdout.write(`  ${violation}\n`)
    process.stdout.write(
      `pnpm sim --seed ${seed} --faults '${JSON.stringify(smallest.faults)}'${values.spending ? ' --spending' : ''}\n`,
    )
    process.exit(1)
  }
  if (values.resume !== undefined) remember(values.resume, seed + 1 - first)
  total.virtualMs += result.virtualMs
  total.steps += result.steps
  for (const [kind, count] of result.happened) total.happened.set(kind, (total.happened.get(kind) ?? 0) + count)
  for (const place of result.places) total.places.add(place)
}

const seconds = (performance.now() - began) / 1_000
const speed = (total.virtualMs / 3_600_000 / seconds).toFixed(1)
const steps = values.spending ? ` of ${total.steps} steps` : ''
process.stdout.write(`${runs - done} runs${steps} in ${seconds.toFixed(1)} s, ${speed} virtual hours a second\n`)
if (runs > 1 && !values.quiet) {
  const points = Object.keys(faultPoints)
  for (const kind of faultKinds) process.stdout.write(`${String(total.happened.get(kind) ?? 0).padStart(8)}  ${kind}\n`)
  for (const place of points)
    process.stdout.write(`${(total.places.has(place) ? 'yes' : 'no').padStart(8)}  ${place}\n`)
}

function tell({ seed, violations, records, effects, steps, starts, virtualMs, happened }: SimulationResult): void {
  if (values.quiet && violations.length === 0) return
  const faults = [...happened].map(([kind, count]) => (count === 1 ? kind : `${kind} x${count}`)).join(', ')
  const verdict = violations.length === 0 ? 'ok' : `${violations.length} BROKEN`
  const figures = `${records} records, ${effects} effects, ${steps} steps of money, ${starts} starts, ${Math.round(virtualMs / 1_000)} virtual s`
  process.stdout.write(`seed ${seed}: ${verdict} · ${figures} · ${faults}\n`)
}

/** Whole or not at all: whoever is interrupted here goes on from the run before. */
function remember(file: string, count: number): void {
  writeFileSync(`${file}.tmp`, String(count))
  renameSync(`${file}.tmp`, file)
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  process.stderr.write(`${name}: expected a whole number, found ${JSON.stringify(text)}\n`)
  process.exit(2)
}

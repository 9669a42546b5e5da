import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { brokenBuilds } from './builds.ts'

/** The proof that the simulation can fail: each broken build is caught, or the judges are blind. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const preload = fileURLToPath(new URL('./preload.ts', import.meta.url))
const runs = 200
const isTorture = process.env['VIGIL_TORTURE'] !== undefined
/** Each takes seconds, so a run of the tests takes every second, the others with another seed. */
const sample = 2
const seedOfRun = Number(process.env['VIGIL_SEED'] ?? 1)
const builds = brokenBuilds.filter((_, index) => isTorture || index % sample === seedOfRun % sample)

describe(`within ${runs} seeds the simulation catches a build that`, () => {
  test.each(builds)('$name', { timeout: 120_000 }, async (build) => {
    const source = readFileSync(`${root}/${build.file}`, 'utf8')
    expect(source.split(build.find).length - 1, `places to break in ${build.file}`).toBe(1)
    const args = ['--disable-warning=ExperimentalWarning', '--import', preload, `${root}/tools/sim/main.ts`]
    const env = { ...process.env, NODE_OPTIONS: '', VIGIL_CANARY: JSON.stringify(build) }
    const seed = isTorture ? 1 : (build.seenBy ?? 1)
    // To look for the fewest faults takes far longer than to find one run that breaks.
    const whole = isTorture || build === builds[0] ? [] : ['--whole']
    const which = [
      '--seed',
      `${seed}`,
      '--runs',
      `${runs}`,
      '--quiet',
      ...whole,
      ...(build.spends ? ['--spending'] : []),
    ]
    const ended = promisify(execFile)(process.execPath, [...args, ...which], { env, cwd: root })
    const { code, stdout } = await ended.then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => error,
    )
    expect(code, stdout).toBe(1)
    // Not any crash: a judge has to have said it, and how to repeat it.
    expect(stdout).toMatch(/BROKEN/)
    expect(stdout).toMatch(/^pnpm sim --seed \d+ --faults '\[/m)
  })
})

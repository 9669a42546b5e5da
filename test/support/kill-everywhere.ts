import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

/** What ended a life, and what it had said. */
export interface Ended {
  readonly signal: NodeJS.Signals | null | undefined
  readonly said: string
}
export type When = 'before' | 'after'

/** A place where a program lives, dies and lives again. */
export interface Victim {
  /** One life, killed before or after its `at`th file operation; 0 is never. */
  live(at: number, when: When): Promise<Ended>
  /** After a life that was let to its end: every promise that is broken, in words. */
  violations(last: Ended): Promise<string[]>
  bury(): void
}

const torture = process.env['VIGIL_TORTURE'] !== undefined
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
const shim = fileURLToPath(new URL('./kill-at-operation.ts', import.meta.url))
const lifeMs = 60_000

export async function live(program: string, args: readonly string[], at: number, when: When): Promise<Ended> {
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    NODE_COMPILE_CACHE: join(tmpdir(), 'vigil-kill-compiled'),
    VIGIL_KILL_AT: `${at}`,
    VIGIL_KILL_WHEN: when,
  }
  const node = ['--disable-warning=ExperimentalWarning', '--import', shim, program, ...args]
  return await new Promise((resolve) => {
    execFile(process.execPath, node, { env, timeout: lifeMs }, (error, stdout, stderr) => {
      resolve({ signal: error?.signal, said: stdout + stderr })
    })
  })
}

/**
 * Kills a program before or after its kth file operation for every k (both in torture; one in `every`, in turn, in a
 * test run), again while it recovers from such a death, and then lets it come to its end. Returns how many operations
 * were tried. `first`: where a test run begins, for who has few of them.
 */
export async function killEverywhere(fresh: (title: string) => Victim, every: number, first = 1): Promise<number> {
  let next = 0
  let tried = 0
  let over = false
  const lane = async (): Promise<void> => {
    while (!over) {
      const nth = next++
      const when = nth % 2 === 0 ? 'before' : 'after'
      const k = torture ? 1 + Math.floor(nth / 2) : first + (seed % every) + every * nth
      const victim = fresh(`${when}-${k}`)
      let last = await victim.live(k, when)
      // A run that came to its end had fewer operations: all have been tried.
      if (last.signal !== 'SIGKILL') over = true
      else {
        tried += 1
        // The second death comes in the middle of recovery, early for some and late for others.
        await victim.live(1 + ((k * 7) % 40), when)
        last = await victim.live(0, when)
      }
      const broken = last.said.endsWith('stopped\n')
        ? await victim.violations(last)
        : [`the last life did not come to its end: ${last.said}`]
      over ||= broken.length > 0
      expect(broken, `killed ${when} operation ${k}`).toEqual([])
      victim.bury()
    }
  }
  // Two at a time: a life spends most of its time waiting.
  const lanes = await Promise.allSettled([lane(), lane()])
  for (const each of lanes) if (each.status === 'rejected') throw each.reason
  return tried
}

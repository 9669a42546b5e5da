import type { ExitCause } from '@vigil/protocol'
import { type Fleet, fleet } from './fleet.ts'

export type Tier = 'process' | 'thread'
const hog = new URL('../fixtures/hog/hog.ts', import.meta.url)
const limitMb = 64

/** A hog with a neighbour, in the same cell if its tier has such a thing, and somebody far away. */
export const hogs = (isolation: Tier): Promise<Fleet> => {
  const spec = { entrypoint: hog, isolation, memoryMb: limitMb, maxRestarts: 1_000, hibernateAfter: 0 } as const
  return fleet({ hog: spec, neighbour: spec, far: { entrypoint: hog } })
}

/** What came of one shape; each entry that is wrong says how. */
export interface Outcome {
  readonly shape: string
  readonly causes: readonly ExitCause[]
  readonly wrong: readonly string[]
}

/** Lets the hog take memory in one way until its event is poison, and looks at everybody else. */
export async function runOutOfMemory(f: Fleet, shape: string): Promise<Outcome> {
  const since = f.records.length
  const before = new Map(['neighbour', 'far'].map((name) => [name, f.agent(name).status()]))
  const verdict = await f
    .agent('hog')
    .run({ shape })
    .then(
      () => 'it came back',
      (error: { details?: { error?: { code?: string } } }) => error.details?.error?.code,
    )
  const exits = f.records
    .slice(since)
    .flatMap((record) =>
      record.type === 'incarnation.exited' ? [{ ...record.data, process: record.process as string }] : [],
    )
  const wrong: string[] = []
  if (verdict !== 'CRASHED_TWICE') wrong.push(`expected the event to be poison, found ${verdict}`)
  const own = exits.filter(({ process, charged }) => process === 'hog' && charged)
  for (const { cause } of own)
    if (cause.kind !== 'memory' || cause.limit_mb < limitMb || !(cause.used_mb >= 0))
      wrong.push(`expected the cause memory with figures, found ${JSON.stringify(cause)}`)
  if (own.length !== 2) wrong.push(`expected two charged ends of the hog, found ${own.length}`)
  // Who was moved out of the cell goes back in good order, after a while in which it caused nothing.
  const excused = (cause: ExitCause): boolean => 'collateral' in cause || cause.kind === 'shutdown'
  for (const { process, charged, cause } of exits)
    if (process !== 'hog' && (charged || !excused(cause))) wrong.push(`${process} was charged: ${cause.kind}`)
  if (f.agent('far').status().epoch !== before.get('far')?.epoch) wrong.push('another cell was touched')
  for (const name of ['neighbour', 'far', 'hog'])
    if ((await f.agent(name).run({})) !== 'here') wrong.push(`${name} does not answer`)
  return { shape, causes: exits.map(({ cause }) => cause), wrong }
}

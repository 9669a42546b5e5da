import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

/** Fault test 23: the code changes between a crash and the restart, in the middle of a turn. */

const step = (version: number, name: string) => `await ctx.step('${name}', () => 'v${version} ${name}')`
const wait = 'await ctx.sleep(event.payload.ms)'
const body = (...lines: string[]) =>
  `export default async function run(event, ctx) {\n  const seen = []\n${lines
    .map((line) => (line === wait ? `  ${line}\n` : `  seen.push(${line})\n`))
    .join('')}  return seen\n}\n`

const old = body(step(1, 'a'), step(1, 'b'), wait, step(1, 'c'))
const versions: Record<string, string> = {
  removed: body(step(2, 'b'), wait, step(2, 'c')),
  renamed: body(step(2, 'z'), step(2, 'b'), wait, step(2, 'c')),
  reordered: body(step(2, 'c'), wait, step(2, 'b'), step(2, 'a')),
}
/** Code that is not the same in every life, which is what a bundle would be that changed under an open turn. */
const fickle = body(`await ctx.step(ctx.turn.epoch === 1 ? 'first' : 'other', () => 'done')`, wait)

let folder: string
let daemon: Daemon
const start = async (): Promise<void> => {
  daemon = await startDaemon(join(folder, 'data'), [folder])
}
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-versions-'))
  for (const name of [...Object.keys(versions), 'fickle']) {
    writeFileSync(join(folder, `${name}.agent`), `name: ${name}\nentrypoint: ./${name}.mjs\n`)
    writeFileSync(join(folder, `${name}.mjs`), name === 'fickle' ? fickle : old)
  }
  await start()
})
afterEach(async () => {
  daemon.child.kill('SIGTERM')
  expect(await daemon.exited).toEqual({ code: 0, signal: null })
  rmSync(folder, { recursive: true, force: true })
})

const post = async (name: string, ms: number, query = '') =>
  (await daemon.call('POST', `/processes/${name}/events${query}`, { ms })).body
const entries = async (name: string, query: string) =>
  (await daemon.call('GET', `/processes/${name}/journal?${query}`)).body['entries'] as { turn: string; data: never }[]
const ended = (name: string, turn: string, type: string): Promise<object> =>
  until(
    `${type} of ${name}`,
    async () => (await entries(name, `type=${type}&turn=${turn}`))[0]?.data as object | undefined,
  )

test('an open turn ends on the code that it began with, the next begins on the new one; code that really differs is told', async () => {
  const names = [...Object.keys(versions), 'fickle']
  const turns = new Map<string, string>()
  for (const name of names) turns.set(name, `t-${(await post(name, 1_500))['event_id']}`)
  const waiting = (await post('fickle', 1))['event_id']
  for (const name of names)
    await until(`${name} to sleep`, async () =>
      (await entries(name, 'type=effect.intended')).some(({ data }) => (data as { kind: string }).kind === 'sleep'),
    )
  daemon.child.kill('SIGKILL')
  await daemon.exited
  for (const [name, code] of Object.entries(versions)) writeFileSync(join(folder, `${name}.mjs`), code)
  await start()

  for (const name of Object.keys(versions)) {
    const completed = await ended(name, turns.get(name) ?? '', 'turn.completed')
    expect(completed, name).toMatchObject({ attempt: 1, result: ['v1 a', 'v1 b', 'v1 c'] })
  }
  const letter = await ended('fickle', turns.get('fickle') ?? '', 'turn.dead_lettered')
  expect(letter).toMatchObject({
    reason: 'diverged',
    error: {
      code: 'TURN_DIVERGED',
      message: expect.stringContaining('step:first#0'),
      details: { unasked: ['step:first#0'] },
    },
  })
  // The lane goes on, with what waited behind it.
  expect(await ended('fickle', `t-${waiting}`, 'turn.completed')).toMatchObject({ result: ['done'] })

  const next = await Promise.all(Object.keys(versions).map((name) => post(name, 1, '?wait=30s')))
  expect(next.map((turn) => turn['result'])).toEqual([
    ['v2 b', 'v2 c'],
    ['v2 z', 'v2 b', 'v2 c'],
    ['v2 c', 'v2 b', 'v2 a'],
  ])
})

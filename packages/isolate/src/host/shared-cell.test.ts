import type { GuestSpec } from '@vigil/protocol'
import { afterEach, expect, test } from 'vitest'
import { hostile, launch, launcher, type Watched } from '../../fixtures/launch.ts'

let cells = launcher()
afterEach(async () => {
  await cells.close()
  cells = launcher()
})

/** Echoes, until it is told to do something worse. */
const member = (worse = '') => `port.listen((text) => { if (text === 'go') { ${worse} } else port.post(text) })`

const inGroup = (process: string, agent: string, over: Partial<GuestSpec> = {}): Watched =>
  launch(agent, { process, trustGroup: 'team', ...over }, cells)

const answers = async ({ guest, next, exited }: Watched): Promise<boolean> => {
  guest.post('there?')
  const gone = exited.then((cause) => Promise.reject(new Error(`it is gone: ${JSON.stringify(cause)}`)))
  return (await Promise.race([next(), gone])) === 'there?'
}

test('guests of one trust group share a cell up to its size, others never', async () => {
  cells = launcher({ cellSize: 2 })
  const guests = [
    ...['a', 'b', 'c'].map((name) => inGroup(name, member())),
    inGroup('d', member(), { trustGroup: 'others' }),
    launch(member(), {}, cells),
  ]
  const pids = await Promise.all(guests.map(async ({ started }) => (await started).pid))
  expect(pids[1]).toBe(pids[0])
  expect(new Set(pids).size).toBe(4)
  for (const guest of guests) expect(await answers(guest)).toBe(true)
})

test.each([
  ['ends by itself', 'port.close()', { kind: 'exit_code', code: 0 }],
  ['calls process.exit', 'process.exit(3)', { kind: 'exit_code', code: 3 }],
  ['throws', 'setTimeout(() => { throw new Error("boom") })', { kind: 'error', message: 'boom' }],
  ['loops without end', 'for (;;);', { kind: 'heartbeat_lost' }],
  [
    'takes Buffers without end',
    'const all = []; const more = () => { all.push(Buffer.alloc(4e6, 1)); setImmediate(more) }; more()',
    { kind: 'memory', limit_mb: 64 },
  ],
  [
    'takes objects without end',
    'const all = []; const more = () => { for (let k = 0; k < 1e4; k += 1) all.push({ k, text: "x".repeat(20) + k }); setImmediate(more) }; more()',
    { kind: 'memory', limit_mb: 64 },
  ],
])('who %s ends alone', async (_name, worse, cause) => {
  const sibling = inGroup('sibling', member())
  await sibling.started
  // Whoever collects garbage on a busy machine is silent for a while, too.
  const heartbeatTimeoutMs = cause.kind === 'heartbeat_lost' ? 1_000 : 20_000
  const bad = inGroup('bad', member(worse), { memoryMb: 64, heartbeatTimeoutMs })
  bad.guest.post('go')
  expect(await bad.exited).toMatchObject(cause)
  expect(await answers(sibling)).toBe(true)
  expect(sibling.exits).toEqual([])
})

test('whoever does not let go of its thread costs the cell; it alone is guilty', async () => {
  const sibling = inGroup('sibling', member())
  await sibling.started
  const stuck = inGroup(
    'stuck',
    member('port.post("in"); require("node:crypto").pbkdf2Sync("a", "b", 2e9, 64, "sha512")'),
  )
  await stuck.started
  stuck.guest.post('go')
  await stuck.next()
  stuck.guest.stop(50)
  expect(await stuck.exited).toMatchObject({ kind: 'wedged' })
  expect(await sibling.exited).toMatchObject({
    kind: 'cell_lost',
    collateral: true,
    hint: expect.stringContaining('stuck'),
  })
})

test.each([
  ['a signal to the process', 'process.kill(process.pid, "SIGSEGV")'],
  ['the loss of all file descriptors', 'for (let fd = 3; fd < 40; fd += 1) try { node("fs").closeSync(fd) } catch {}'],
  ['bytes forged on the wire', 'node("fs").writeSync(3, "garbage garbage garbage\\n")'],
])('%s is laid on nobody', async (_name, act) => {
  const sibling = inGroup('sibling', member())
  await sibling.started
  const bad = inGroup('bad', '', { runtime: hostile(act) })
  expect(await bad.exited).toMatchObject({ kind: 'cell_lost', collateral: true })
  expect(await sibling.exited).toMatchObject({ kind: 'cell_lost', collateral: true })
})

test('memory on nobody’s account counts against the sum of all', async () => {
  const sibling = inGroup('sibling', member(), { memoryMb: 64 })
  await sibling.started
  const bad = inGroup(
    'bad',
    member('const all = new WebAssembly.Memory({ initial: 8192 }); new Uint8Array(all.buffer).fill(1)'),
    { memoryMb: 64 },
  )
  await bad.started
  bad.guest.post('go')
  expect(await bad.exited).toMatchObject({ kind: 'cell_lost', collateral: true, hint: expect.stringMatching(/cell/) })
  expect(await sibling.exited).toMatchObject({ kind: 'cell_lost', collateral: true })
})

test('who is the only one in a shared cell is guilty of its end', async () => {
  const bad = inGroup('bad', '', { runtime: hostile('process.kill(process.pid, "SIGSEGV")') })
  expect(await bad.exited).toMatchObject({ kind: 'signal', signal: 'SIGSEGV' })
})

test('closing ends all of them as asked', async () => {
  const guests = ['a', 'b'].map((name) => inGroup(name, member()))
  await Promise.all(guests.map(({ started }) => started))
  await cells.close()
  for (const { exits } of guests) expect(exits).toEqual([{ kind: 'shutdown' }])
})

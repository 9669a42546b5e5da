import { getPriority } from 'node:os'
import { expect, test } from 'vitest'
import { hostile, launch, launcher } from '../../fixtures/launch.ts'

const spare = { heartbeatTimeoutMs: 1_000 }

test('strings go both ways in order', async () => {
  const cell = launch('port.listen((text) => port.post(`got ${text}`))')
  await cell.started
  for (let k = 0; k < 1_000; k += 1) cell.guest.post(String(k))
  for (let k = 0; k < 1_000; k += 1) expect(await cell.next()).toBe(`got ${k}`)
  cell.guest.stop(1_000)
  expect(await cell.exited).toEqual({ kind: 'shutdown' })
})

test('a cell lets ring 0 go before it', async () => {
  const cell = launch('port.listen(() => {})')
  const { pid } = await cell.started
  expect(getPriority(pid)).toBe(15)
  cell.guest.kill({ kind: 'shutdown' })
  await cell.exited
})

test('a message of megabytes arrives whole', async () => {
  const cell = launch('port.listen((text) => port.post(text + text))')
  const big = 'é'.repeat(1_000_000)
  cell.guest.post(big)
  expect(await cell.next()).toBe(big + big)
  cell.guest.kill({ kind: 'shutdown' })
  await cell.exited
})

test.each([
  ['process.exit(3)', 'setTimeout(() => process.exit(3), 10)', { kind: 'exit_code', code: 3 }],
  [
    'a throw outside of any turn',
    'setTimeout(() => { throw new TypeError("boom") }, 10)',
    { kind: 'error', message: 'boom' },
  ],
  [
    'a rejection nobody handles',
    'setTimeout(() => Promise.reject(new Error("lost")), 10)',
    { kind: 'error', message: 'lost' },
  ],
  ['a throw while loading', 'throw new Error("at load")', { kind: 'error', message: 'at load' }],
  ['ending without being asked', 'port.close()', { kind: 'exit_code', code: 0 }],
])('%s', async (_name, agent, cause) => {
  const cell = launch(agent)
  expect(await cell.exited).toMatchObject(cause)
  expect(cell.exits).toHaveLength(1)
  cell.guest.post('to the dead')
  cell.guest.stop(1)
})

test('a signal that was meant for ring 0 ends no cell', async () => {
  const cell = launch('port.listen((text) => port.post(`got ${text}`))')
  const { pid } = await cell.started
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.kill(pid, signal)
    cell.guest.post(signal)
    expect(await cell.next()).toBe(`got ${signal}`)
  }
  cell.guest.stop(1_000)
  expect(await cell.exited).toEqual({ kind: 'shutdown' })
})

test('a loop without end is found by its silence', async () => {
  const cell = launch('port.post("in"); for (;;);', spare)
  expect(await cell.exited).toMatchObject({ kind: 'heartbeat_lost' })
})

test.each([
  [
    'a growing Map',
    'const m = new Map(); const grow = () => { for (let k = 0; k < 1e5; k += 1) m.set(m.size, { k }); setImmediate(grow) }; grow()',
  ],
  ['a growing Map that never yields', 'const m = new Map(); for (;;) m.set(m.size, { k: 1 })'],
  ['Buffers', 'const b = []; const grow = () => { b.push(Buffer.alloc(16e6, 1)); setImmediate(grow) }; grow()'],
  ['one GB at once', 'Buffer.alloc(1e9, 1); port.post("done")'],
])('memory: %s', async (_name, agent) => {
  const cell = launch(agent, { memoryMb: 64 })
  const cause = await cell.exited
  expect(cause).toMatchObject({ kind: 'memory', limit_mb: 64 })
})

test('a guest has no rights', async () => {
  const cell = launch(`
    const denied = (name, act) => { try { act(); return [name, 'OPEN'] } catch (error) { return [name, error.code ?? error.message] } }
    port.post(JSON.stringify([
      ...['fs', 'node:net', 'child_process', 'worker_threads', 'inspector', 'v8', 'module', 'os', 'vm', 'cluster', 'http'].map((name) => denied(name, () => require(name))),
      ...['kill', '_kill', 'binding', '_linkedBinding', 'dlopen', 'reallyExit', 'abort', 'getBuiltinModule', 'report'].map((name) => [name, typeof process[name]]),
      ['require', typeof globalThis.require], ['globalModule', typeof globalThis.module], ['env', Object.keys(process.env).length], ['crypto', typeof require('node:crypto').createHash],
    ]))
    import('node:fs').then(() => port.post('imported'), () => port.post('no import'))
  `)
  const rights = Object.fromEntries(JSON.parse(await cell.next()) as [string, unknown][])
  for (const name of [
    'fs',
    'node:net',
    'child_process',
    'worker_threads',
    'inspector',
    'v8',
    'module',
    'os',
    'vm',
    'cluster',
    'http',
  ]) {
    expect(rights, name).toHaveProperty([name], 'ERR_ACCESS_DENIED')
  }
  for (const name of [
    'kill',
    '_kill',
    'binding',
    '_linkedBinding',
    'dlopen',
    'reallyExit',
    'abort',
    'getBuiltinModule',
    'report',
    'require',
    'globalModule',
  ]) {
    expect(rights[name], name).toBe('undefined')
  }
  expect(rights).toMatchObject({ env: 0, crypto: 'function' })
  expect(await cell.next()).toBe('no import')
  cell.guest.kill({ kind: 'shutdown' })
  await cell.exited
})

test.each([
  ['garbage', 'node("fs").writeSync(3, "garbage garbage garbage\\n")'],
  [
    'a length without end',
    'node("fs").writeSync(3, Buffer.from([255, 255, 255, 255, 1, 2, 3, 4, ...Buffer.alloc(20)]))',
  ],
  [
    'a well-formed frame without the token',
    'const text = Buffer.from("forged"); const f = Buffer.alloc(4 + 16 + 8 + text.length); f.writeUInt32BE(f.length - 4, 0); f.writeUInt32BE(1, 20); f.writeUInt32BE(text.length, 24); text.copy(f, 28); node("fs").writeSync(3, f)',
  ],
])('bytes forged on the wire kill the cell and are not believed: %s', async (_name, act) => {
  const cell = launch('', { runtime: hostile(act) })
  expect(await cell.next()).toBe('honest')
  expect(await cell.exited).toMatchObject({ kind: 'cell_forged' })
  expect(cell.heard).toEqual(['honest'])
})

test('permissions hold for a runtime that has node itself', async () => {
  const attempts = `const fs = node('fs');
    const codes = {}; const attempt = (name, act) => { try { act(); codes[name] = 'OPEN' } catch (error) { codes[name] = error.code } }
    attempt('read', () => fs.readFileSync('/etc/hostname')); attempt('write', () => fs.writeFileSync('/tmp/vigil-escape', ''))
    attempt('spawn', () => node('child_process').execSync('true')); attempt('thread', () => new (node('worker_threads').Worker)('0', { eval: true }))
    node('net').connect(9, '127.0.0.1').on('error', (error) => { codes.net = error.code; parentPort.postMessage(JSON.stringify(codes)) })`
  const cell = launch('', { runtime: hostile(attempts) })
  await cell.next()
  const denied = 'ERR_ACCESS_DENIED'
  expect(JSON.parse(await cell.next())).toEqual({
    read: denied,
    write: denied,
    spawn: denied,
    thread: denied,
    net: denied,
  })
  cell.guest.kill({ kind: 'shutdown' })
  await cell.exited
})

test('the stop ladder: who does not listen is terminated', async () => {
  const cell = launch('port.asked(() => {}); port.post("in")')
  await cell.next()
  cell.guest.stop(100)
  expect(await cell.exited).toEqual({ kind: 'shutdown' })
})

test('kill reports the cause that it was given; closing the launcher leaves nothing', async () => {
  const cells = launcher()
  const first = launch('', {}, cells)
  await first.started
  first.guest.kill({ kind: 'failures', count: 3 })
  expect(await first.exited).toEqual({ kind: 'failures', count: 3 })
  const second = launch('', {}, cells)
  const { pid } = await second.started
  await cells.close()
  expect(second.exits).toEqual([{ kind: 'shutdown' }])
  expect(() => process.kill(pid, 0)).toThrow()
})

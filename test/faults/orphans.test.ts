import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFileSystem } from '@vigil/journal'
import { expect, test } from 'vitest'
import { launch, launcher } from '../../packages/isolate/fixtures/launch.ts'
import { bootId, startTime } from '../../packages/isolate/src/host/proc.ts'

const alive = (pid: number): boolean => startTime(pid) !== undefined

async function untilGone(pid: number, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (alive(pid)) {
    if (performance.now() > deadline) throw new Error(`process ${pid} still lives after ${patienceMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a cell does not outlive the SIGKILL of its supervisor', async () => {
  const host = spawn(
    process.execPath,
    ['--no-warnings', fileURLToPath(new URL('../../packages/isolate/fixtures/orphaning-host.ts', import.meta.url))],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const [line] = (await once(host.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  expect(alive(pid)).toBe(true)
  host.kill('SIGKILL')
  await once(host, 'close')
  await untilGone(pid, 1_000)
})

test('cells are noted while they live, and a successor ends those that are left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-run-'))
  try {
    const cells = launcher({ fileSystem: nodeFileSystem(), runDirectory: folder })
    const cell = launch('port.post("in")', {}, cells)
    await cell.next()
    expect(readdirSync(folder)).toHaveLength(1)
    expect(await launcher({ fileSystem: nodeFileSystem(), runDirectory: folder }).endOrphans()).toBe(1)
    expect(await cell.exited).toMatchObject({ kind: 'signal', signal: 'SIGKILL' })
    await cells.close()
    expect(readdirSync(folder)).toEqual([])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a program of a server that a killed supervisor leaves behind is ended by the next', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-run-'))
  const fixture = fileURLToPath(new URL('../fixtures/mcp/orphaning.ts', import.meta.url))
  const host = spawn(process.execPath, ['--no-warnings', fixture, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(host.stdout, 'data')
    const [note = ''] = readdirSync(folder)
    const pid = Number(note.replace('.json', ''))
    const { home } = JSON.parse(readFileSync(join(folder, note), 'utf8')) as { home: string }
    expect(existsSync(home)).toBe(true)
    host.kill('SIGKILL')
    await once(host, 'close')
    expect(alive(pid)).toBe(true)
    expect(await launcher({ fileSystem: nodeFileSystem(), runDirectory: folder }).endOrphans()).toBe(1)
    await untilGone(pid, 1_000)
    expect(readdirSync(folder)).toEqual([])
    expect(existsSync(home)).toBe(false)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a note whose pid was given to somebody else, or that is half a note, ends nobody', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-run-'))
  const bystander = spawn('sleep', ['60'], { detached: true })
  const pid = bystander.pid as number
  try {
    writeFileSync(join(folder, '1.json'), JSON.stringify({ pid, start_time: '1', boot_id: bootId() }))
    writeFileSync(join(folder, '2.json'), JSON.stringify({ pid, start_time: startTime(pid), boot_id: 'another boot' }))
    writeFileSync(join(folder, '3.json'), '{"pid":')
    expect(await launcher({ fileSystem: nodeFileSystem(), runDirectory: folder }).endOrphans()).toBe(0)
    expect(alive(pid)).toBe(true)
    expect(readdirSync(folder)).toEqual([])
  } finally {
    bystander.kill('SIGKILL')
    await once(bystander, 'close')
    rmSync(folder, { recursive: true })
  }
})

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { until } from '../support/until.ts'

const program = fileURLToPath(new URL('../fixtures/ten-lines/program.ts', import.meta.url))

function run(cwd: string) {
  const child = spawn(process.execPath, ['--no-warnings', program], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const exited = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)))
  return { child, exited, output: () => text }
}

test('a ten-line program is killed, runs again, adopts its agent, and ends with no handle left', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'vigil-ten-'))
  try {
    mkdirSync(join(cwd, 'gate'))
    const first = run(cwd)
    await until('the agent to be in its second step', () => first.output().includes('working'))
    first.child.kill('SIGKILL')
    await first.exited
    writeFileSync(join(cwd, 'gate', 'open'), '')
    const second = run(cwd)
    expect(await second.exited).toBe(0)
    // The first step was done in the first run, by another process; its outcome came from the record.
    expect(
      JSON.parse(
        second
          .output()
          .split('\n')
          .find((line) => line.startsWith('{')) ?? '',
      ),
    ).toMatchObject({ answer: 42, turns: 1 })
    const third = run(cwd)
    expect(await third.exited).toBe(0)
    expect(third.output()).toContain(
      second
        .output()
        .split('\n')
        .find((line) => line.startsWith('{')) ?? 'nothing',
    )
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
})

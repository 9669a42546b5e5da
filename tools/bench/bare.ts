import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { median } from './statistics.ts'

const line = Buffer.alloc(300, 'x')

/** The bare limit: one MessagePort round trip plus one write and fdatasync, median microseconds over `samples`. */
export async function bareSum(samples: number): Promise<{ sumUs: number; portUs: number; diskUs: number }> {
  const worker = new Worker(
    "const { parentPort } = require('node:worker_threads'); parentPort.on('message', (m) => parentPort.postMessage(m))",
    { eval: true },
  )
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const fd = openSync(join(folder, 'log'), 'w')
  const port: number[] = []
  const disk: number[] = []
  const both: number[] = []
  try {
    for (let k = 0; k < samples + 20; k += 1) {
      const t0 = performance.now()
      await new Promise((resolve) => {
        worker.once('message', resolve)
        worker.postMessage('ping')
      })
      const t1 = performance.now()
      writeSync(fd, line)
      await new Promise<void>((resolve, reject) =>
        fdatasync(fd, (error) => (error === null ? resolve() : reject(error))),
      )
      const t2 = performance.now()
      if (k < 20) continue
      port.push((t1 - t0) * 1_000)
      disk.push((t2 - t1) * 1_000)
      both.push((t2 - t0) * 1_000)
    }
  } finally {
    closeSync(fd)
    rmSync(folder, { recursive: true })
    await worker.terminate()
  }
  return { sumUs: median(both), portUs: median(port), diskUs: median(disk) }
}

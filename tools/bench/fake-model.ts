import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A model in a process of its own, so that what it does is not measured with the rest. */
export interface FakeModel {
  readonly url: string
  readonly pid: number
  /** From now on it keeps its answers back; resolves when so many requests have come. */
  hold(requests: number, patienceMs: number): Promise<void>
  release(): void
  end(): Promise<void>
}

export async function startFakeModel(): Promise<FakeModel> {
  const program = fileURLToPath(new URL('./programs/fake-model.ts', import.meta.url))
  const args = ['--disable-warning=ExperimentalWarning', program]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const nextLine = async (patienceMs: number): Promise<string> => {
    const [line] = await once(lines, 'line', { signal: AbortSignal.timeout(patienceMs) })
    return line as string
  }
  return {
    url: await nextLine(30_000),
    pid: child.pid ?? 0,
    async hold(requests, patienceMs) {
      child.stdin.write(`hold ${requests}\n`)
      await nextLine(patienceMs)
    },
    release: () => void child.stdin.write('release\n'),
    async end() {
      child.stdin.end()
      await once(child, 'exit', { signal: AbortSignal.timeout(20_000) })
    },
  }
}

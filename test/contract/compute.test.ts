import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInNewContext, Script } from 'node:vm'
import type { Compute } from '@vigil/protocol'
import { simulatedCompute } from '@vigil/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { piscinaCompute } from '../../packages/supervisor/src/platform/compute.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vigil-compute-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const open: Compute[] = []
const opened = <C extends Compute>(compute: C): C => {
  open.push(compute)
  return compute
}
afterEach(async () => {
  for (const compute of open.splice(0)) await compute.close()
})

const exportsOf = (code: string): { default?: (...values: unknown[]) => unknown } => {
  const module = { exports: {} }
  runInNewContext(code, { module, exports: module.exports, require: (name: string) => process.getBuiltinModule(name) })
  return module.exports
}

interface Subject {
  readonly compute: Compute
  put(name: string, code: string): Promise<string>
}

const subjects: Record<string, () => Subject> = {
  piscina: () => ({
    compute: opened(piscinaCompute()),
    async put(name, code) {
      await writeFile(join(folder, name), code)
      return join(folder, name)
    },
  }),
  simulated: () => {
    const compute = opened(simulatedCompute())
    return {
      compute,
      async put(name, code) {
        compute.put(join('/modules', name), code)
        return join('/modules', name)
      },
    }
  },
}

describe.each(Object.entries(subjects))('%s compute', (_name, start) => {
  test('bundles a module to code whose hash it tells, the same each time', async () => {
    const { compute, put } = start()
    const path = await put('double.cjs', 'module.exports.default = (n) => n * 2')
    const bundle = await compute.bundle(path)
    expect(bundle.hash).toBe(createHash('sha256').update(bundle.code).digest('hex'))
    expect(await compute.bundle(path)).toEqual(bundle)
    await put('double.cjs', 'module.exports.default = (n) => n * 3')
    expect((await compute.bundle(path)).hash).not.toBe(bundle.hash)
  })

  test('names what is wrong with a module', async () => {
    const { compute, put } = start()
    const broken = await put('broken.cjs', 'const = 1')
    await expect(compute.bundle(broken)).rejects.toMatchObject({
      code: 'BUNDLE_FAILED',
      message: expect.stringContaining(`${broken}:1:`),
    })
    const missing = join(broken, '..', 'missing.cjs')
    await expect(compute.bundle(missing)).rejects.toMatchObject({
      code: 'BUNDLE_FAILED',
      message: expect.stringContaining(missing),
    })
  })

  test('compiles a script, and runs nothing of it', async () => {
    const { compute } = start()
    const source = 'globalThis.ran = true'
    const cachedData = Buffer.from(await compute.compile(source), 'base64')
    expect(new Script(source, { cachedData }).cachedDataRejected).toBe(false)
    expect(globalThis).not.toHaveProperty('ran')
    await expect(compute.compile('no {')).rejects.toThrow()
  })

  test('refuses work after close', async () => {
    const { compute, put } = start()
    const path = await put('late.cjs', '')
    await compute.close()
    await compute.close()
    await expect(compute.bundle(path)).rejects.toMatchObject({ code: 'STOPPING' })
    await expect(compute.compile('0')).rejects.toMatchObject({ code: 'STOPPING' })
  })
})

describe('esbuild in the pool', () => {
  test('one CommonJS text: TypeScript, relative imports, aliases, builtins as require', async () => {
    const sdk = join(folder, 'sdk.ts')
    await writeFile(sdk, 'export const defineAgent = <T>(agent: T): T => agent')
    await writeFile(join(folder, 'part.ts'), 'export const half = (n: number): number => n / 2')
    const entry = join(folder, 'agent.ts')
    await writeFile(
      entry,
      `import { defineAgent } from '@vigil/agent'\nimport { sep } from 'node:path'\nimport { half } from './part.ts'\nexport default defineAgent((n: number) => sep + half(n))`,
    )
    const { code } = await opened(piscinaCompute({ alias: { '@vigil/agent': sdk } })).bundle(entry)
    expect(exportsOf(code).default?.(6)).toBe('/3')
    expect(code).toContain('require("node:path")')
  })

  test('a top-level await is named with its place and a way out', async () => {
    const entry = join(folder, 'waits.ts')
    await writeFile(entry, 'const a = 1\nconst b = await Promise.resolve(a)\nexport default () => b')
    await expect(opened(piscinaCompute()).bundle(entry)).rejects.toMatchObject({
      code: 'BUNDLE_FAILED',
      message: expect.stringMatching(/waits\.ts:2:11: Top-level await .*move it into run\(\)/),
    })
  })

  test('an import that does not resolve is named with its place', async () => {
    const entry = join(folder, 'lonely.ts')
    await writeFile(entry, `\nimport { gone } from './gone.ts'\nexport default gone`)
    await expect(opened(piscinaCompute()).bundle(entry)).rejects.toMatchObject({
      message: expect.stringMatching(/lonely\.ts:2:22: Could not resolve "\.\/gone\.ts"/),
    })
  })

  test('a folder that moved, under another tsconfig.json, bundles to the same hash', async () => {
    const [here, there] = [join(folder, 'here'), join(folder, 'deep/er/there')]
    await mkdir(here)
    await mkdir(join(folder, 'deep/er'), { recursive: true })
    await writeFile(join(here, 'part.ts'), 'export class Part { value = 1 }')
    await writeFile(join(here, 'agent.ts'), `import { Part } from './part.ts'\nexport default () => new Part().value`)
    const compute = opened(piscinaCompute())
    const before = await compute.bundle(join(here, 'agent.ts'))
    await rename(here, there)
    await writeFile(
      join(folder, 'deep/tsconfig.json'),
      '{ "compilerOptions": { "useDefineForClassFields": false, "target": "es5" } }',
    )
    expect(await compute.bundle(join(there, 'agent.ts'))).toEqual(before)
  })

  test('a relative path is refused', async () => {
    await expect(opened(piscinaCompute()).bundle('agent.ts')).rejects.toMatchObject({ code: 'BUNDLE_FAILED' })
  })

  test('leaves no process behind, while open or after', async () => {
    const entry = join(folder, 'quiet.ts')
    await writeFile(entry, 'export default () => 1')
    const compute = opened(piscinaCompute())
    await Promise.all([compute.bundle(entry), compute.bundle(entry), compute.bundle(entry)])
    const children = await childCommands()
    await compute.close()
    expect([...children, ...(await childCommands())]).toEqual([])
  })

  test('closing under work ends that work', async () => {
    const compute = opened(piscinaCompute())
    const work = compute.compile('0')
    const outcome = expect(work).rejects.toMatchObject({ code: 'STOPPING' })
    await compute.close()
    await outcome
  })
})

/** Command lines of the processes whose parent is this one; a zombie has an empty one. */
async function childCommands(): Promise<string[]> {
  const commands: string[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== process.pid) continue
    commands.push(await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => ''))
  }
  return commands
}

// One character beyond makes V8 keep two bytes for every other, in every thread.
test.each(['agent/src/guest/main.ts', 'isolate/src/hub/main.ts'])('the bundle of %s is all Latin-1', async (path) => {
  const entrypoint = fileURLToPath(new URL(`../../packages/${path}`, import.meta.url))
  const { code } = await opened(piscinaCompute()).bundle(entrypoint)
  expect([...code].filter((sign) => sign > '\u00ff')).toEqual([])
})

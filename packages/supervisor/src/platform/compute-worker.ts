import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { Script } from 'node:vm'
import type { Bundle } from '@vigil/protocol'
import { type BuildFailure, buildSync, type Message } from 'esbuild'

/**
 * What the compute pool runs, on its own threads. esbuild is used in its blocking form, one process
 * per build: the asynchronous one keeps a service process that outlives the pool. Answers are plain data, also failures, because an error's
 * code would not survive the way between threads.
 */
export type BundleAnswer =
  | { readonly ok: true; readonly bundle: Bundle }
  | { readonly ok: false; readonly message: string }

export interface BundleTask {
  readonly entrypoint: string
  /** Import specifier -> absolute path of the module that stands for it. */
  readonly alias: Readonly<Record<string, string>>
}

export function bundle({ entrypoint, alias }: BundleTask): BundleAnswer {
  try {
    const built = buildSync({
      entryPoints: [entrypoint],
      // Paths in the output are relative to this folder: the same module gives the same hash from wherever Vigil is started.
      absWorkingDir: dirname(entrypoint),
      // An agent is erasable TypeScript: what some tsconfig.json above it says must not change its hash.
      tsconfigRaw: {},
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'node',
      target: 'node26',
      // In a cell there is nothing to import from: what is left of import() asks the loader, as require() does.
      supported: { 'dynamic-import': false },
      conditions: ['@vigil/source'],
      alias: { ...alias },
      charset: 'utf8',
      legalComments: 'none',
      logLevel: 'silent',
    })
    const code = built.outputFiles[0]?.text ?? ''
    return { ok: true, bundle: { hash: createHash('sha256').update(code).digest('hex'), code } }
  } catch (error) {
    return { ok: false, message: failure(entrypoint, error) }
  }
}

function failure(entrypoint: string, error: unknown): string {
  const messages = (error as Partial<BuildFailure>).errors
  const first = messages?.[0]
  if (first === undefined) return `${entrypoint}: ${error instanceof Error ? error.message : String(error)}`
  const more = (messages?.length ?? 1) - 1
  const hint = first.text.includes('Top-level await')
    ? '; move it into run(), or wrap it: const ready = (async () => { ... })()'
    : ''
  return `${place(entrypoint, first)}: ${first.text}${hint}${more > 0 ? ` (and ${more} more)` : ''}`
}

function place(entrypoint: string, { location }: Message): string {
  if (location === null) return entrypoint
  const file = location.file.startsWith('/') ? location.file : `${dirname(entrypoint)}/${location.file}`
  return `${file}:${location.line}:${location.column + 1}`
}

/** Compiles what V8 compiles at once; functions that it leaves for their first call stay source. */
export function compile(source: string): string {
  return new Script(source).createCachedData().toString('base64')
}

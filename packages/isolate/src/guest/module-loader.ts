import { builtinModules, createRequire } from 'node:module'
import { Script } from 'node:vm'
import type { GuestBoot } from '../wire/hub-protocol.ts'
import { moduleSource } from '../wire/module-source.ts'

type Rights = Pick<GuestBoot, 'builtins' | 'addonsFrom'>

/** Builtins that compute and touch nothing; everything else of node is a right that agents do not have. */
const harmless = new Set([
  'assert',
  'assert/strict',
  'async_hooks',
  'buffer',
  'crypto',
  'diagnostics_channel',
  'events',
  'path',
  'path/posix',
  'perf_hooks',
  'punycode',
  'querystring',
  'stream',
  'stream/promises',
  'stream/web',
  'string_decoder',
  'timers',
  'timers/promises',
  'url',
  'util',
  'util/types',
  'zlib',
])

const requireBuiltin = createRequire('/')

/** `require` as a bundled agent sees it: everything of its own is inside the bundle, so only builtins are ever asked for. */
function requireFor({ builtins = [], addonsFrom }: Rights): (specifier: string) => unknown {
  const granted = new Set(builtins)
  return (specifier) => {
    const name = specifier.replace(/^node:/, '')
    if (harmless.has(name) || granted.has(name)) return requireBuiltin(`node:${name}`)
    const known = builtinModules.includes(name)
    if (!known && addonsFrom !== undefined) return createRequire(addonsFrom)(specifier)
    const why = known ? `denied: an agent has no ambient rights; ${wayOut(name)}` : 'not in the bundle'
    throw Object.assign(new Error(`the module "${specifier}" is ${why}`), {
      code: known ? 'ERR_ACCESS_DENIED' : 'MODULE_NOT_FOUND',
    })
  }
}

/** What to use instead, or the line that grants it. */
function wayOut(name: string): string {
  const [of] = name.split('/')
  const line = (words: string, instead: string): string =>
    `${instead}, or add to the manifest: permissions: { ${words} }`
  if (of === 'fs') return line('fs_read: [PATH], fs_write: [PATH]', 'use ctx.files')
  if (of === 'child_process') return line('child_process: true', 'let another process do it')
  if (networking.has(of ?? '')) return line('raw_network: true', 'use ctx.fetch')
  return 'use ctx.fetch, ctx.files and ctx.step'
}

const networking = new Set(['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns'])

/** Runs a bundled CommonJS module and gives its exports. Dynamic import() in it rejects: there is nothing to import from. */
export function loadModule(bundle: GuestBoot['module'], rights: Rights = {}): unknown {
  const filename = `agent-${bundle.hash.slice(0, 12)}.cjs`
  const { codeCache } = bundle
  // A cache of another V8 is refused by itself, and the text is compiled.
  const cachedData = codeCache === undefined ? {} : { cachedData: Buffer.from(codeCache, 'base64') }
  const script = new Script(moduleSource(bundle.code), { filename, ...cachedData })
  const module = { exports: {} as unknown }
  const body = script.runInThisContext() as (...args: unknown[]) => void
  body.call(module.exports, module.exports, requireFor(rights), module, filename, '/')
  return module.exports
}

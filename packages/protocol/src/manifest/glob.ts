/** The short form of a file trigger is one glob; a watcher wants a folder and patterns below it. */
export interface WatchTarget {
  readonly watch_path: string
  readonly watch_patterns: readonly string[]
  /** Present when the pattern reaches below the folder. */
  readonly recursive?: true
}

const magic = /[*?[\]{}()!]/

/**
 * Splits at the first segment that holds a wildcard: `./inbox/*.csv` is `*.csv` in `./inbox`. Without a
 * wildcard, a last segment with an extension is one file in its folder, anything else is a whole folder.
 */
export function splitGlob(glob: string): WatchTarget {
  const segments = glob.split('/')
  const wild = segments.findIndex((segment) => magic.test(segment))
  const last = segments.at(-1) ?? ''
  const isFile = last.lastIndexOf('.') > 0
  const cut = wild >= 0 ? wild : isFile ? segments.length - 1 : segments.length
  const pattern = segments.slice(cut).join('/')
  const folder = segments.slice(0, cut).join('/')
  return {
    watch_path: folder === '' ? (glob.startsWith('/') ? '/' : '.') : folder,
    watch_patterns: [pattern === '' ? '*' : pattern],
    ...(pattern.includes('/') ? { recursive: true as const } : {}),
  }
}

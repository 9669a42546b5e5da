import { dirname, join } from 'node:path'
import type { SourceFile } from './tidy.ts'

/** Rules over many files at once, pure like those of one file; each answers what is wrong. */
type Files = readonly SourceFile[]

const shortMedian = 100
const isSource = ({ path }: SourceFile): boolean =>
  /^(packages|apps)\/.*\/src\/.*\.ts$/.test(path) && !/\.(test|fixture)\.ts$/.test(path)

/** The median length of the source files, when it is too long. */
export function longMedian(files: Files): number | undefined {
  const lengths = files
    .filter(isSource)
    .map(({ text }) => text.split('\n').length)
    .sort((a, b) => a - b)
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0
  return median < shortMedian ? undefined : median
}

/** Codes of the error table that no source file names. */
export function unraisedErrors(files: Files, codes: readonly string[]): string[] {
  const table = 'packages/protocol/src/errors.ts'
  const text = files
    .filter((file) => isSource(file) && file.path !== table)
    .map((file) => file.text)
    .join('\n')
  return codes.filter((code) => !text.includes(`'${code}'`))
}

/** `page -> target` for each relative link that leads nowhere. */
export function brokenLinks(files: Files, exists: (path: string) => boolean): string[] {
  return files
    .filter(({ path }) => path.endsWith('.md'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => match[1] as string)
        .filter((target) => !exists(join(dirname(path), target)))
        .map((target) => `${path} -> ${target}`),
    )
}

/** Dependencies that the page leaves out, and rows of the page that are no dependency any more. */
export function unexplainedDependencies(files: Files): string[] {
  const page = files.find(({ path }) => path === 'docs/dependencies.md')?.text ?? ''
  const first = [...page.matchAll(/^\| (`.*?) \|/gm)].map((match) => match[1] as string)
  const explained = new Set(
    first.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string)),
  )
  const used = new Set(
    files
      .filter(({ path }) => path.endsWith('package.json'))
      .flatMap(({ text }) => {
        const { dependencies = {}, devDependencies = {} } = JSON.parse(text) as Record<string, Record<string, string>>
        return Object.keys({ ...dependencies, ...devDependencies })
      })
      .filter((name) => !name.startsWith('@vigil/')),
  )
  return [
    ...[...used].filter((name) => !explained.has(name)).map((name) => `no reason for ${name}`),
    ...[...explained].filter((name) => !used.has(name)).map((name) => `${name} is no dependency`),
  ]
}

/** Manifests of packages, apps and examples without a description worth the name. */
export function silentPackages(files: Files): string[] {
  return files
    .filter(({ path }) => /^(packages|apps|examples)\/[^/]+\/package\.json$/.test(path))
    .filter(({ text }) => ((JSON.parse(text) as { description?: string }).description ?? '').length < 20)
    .map(({ path }) => path)
}

import { measuredFunctions } from './function-length.ts'

/** Repository rules over one file: pure, so that each has a bad sample in its test. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

export interface Complaint {
  readonly path: string
  readonly rule: string
  readonly found: string
}

interface Rule {
  readonly name: string
  readonly applies: (path: string) => boolean
  readonly check: (file: SourceFile) => readonly string[]
}

const isTest = (path: string): boolean => /\.test\.ts$|^test\/|\/fixtures\/|\.fixture\.ts$/.test(path)
const isSource = (path: string): boolean => /^packages\/[^/]+\/src\//.test(path) && !isTest(path)
const matches =
  (pattern: RegExp) =>
  ({ text }: SourceFile) =>
    [...text.matchAll(pattern)].map((match) => match[0])
const longestFile = 400
const longestFunction = 70

export const rules: readonly Rule[] = [
  {
    name: 'no file over 400 lines: a longer one hides two',
    applies: (path) => path.endsWith('.ts'),
    check: ({ text }) => (text.split('\n').length > longestFile ? [`${text.split('\n').length} lines`] : []),
  },
  {
    name: 'no function of 70 lines: one that long has a name for its parts',
    applies: (path) => path.endsWith('.ts') && !isTest(path),
    check: ({ text }) =>
      measuredFunctions(text)
        .filter(({ length }) => length >= longestFunction)
        .map(({ line, length }) => `${length} lines from line ${line}`),
  },
  {
    name: 'no name that says nothing: name the file by what it hides',
    applies: (path) => path.endsWith('.ts'),
    check: ({ path }) => (/(^|\/|-)(utils?|helpers?|common|misc|manager)(\.ts|\/|-)/.test(path) ? [path] : []),
  },
  {
    name: 'time and randomness are ports: take a Clock or a Random',
    applies: (path) =>
      isSource(path) && !/\/platform\/|\/isolate\/src\/(hub|guest|wire)\/|api\/src\/serve\.ts/.test(path),
    check: matches(
      /\b(setTimeout|setInterval)\(|\bDate\.now\(\)|\bnew Date\(\)|\bMath\.random\(\)|\brandomUUID\(|\bperformance\.now\(\)/g,
    ),
  },
  {
    name: 'no test that is skipped, focused or promised',
    applies: isTest,
    check: matches(/\b(test|it|describe)\.(skip|only|todo)\b/g),
  },
  {
    name: 'nothing is left for later: what is not built is not mentioned',
    applies: (path) => !path.startsWith('tools/tidy/'),
    check: matches(/\b(TODO|FIXME|XXX|HACK)\b/g),
  },
  {
    name: 'the process is ended by apps and tools alone',
    applies: (path) => isSource(path) && !path.includes('/guest/harden.ts'),
    check: matches(/\bprocess\.exit\(/g),
  },
  {
    name: 'no path of one machine',
    applies: (path) => !path.startsWith('tools/tidy/'),
    check: matches(/(?<![\w.}-])\/(Users\/|work\/|root\/|farm\/|home\/(?!me\b))\w+/g),
  },
]

export function complaints(files: readonly SourceFile[]): Complaint[] {
  return files.flatMap((file) =>
    rules
      .filter((rule) => rule.applies(file.path))
      .flatMap((rule) => rule.check(file).map((found) => ({ path: file.path, rule: rule.name, found }))),
  )
}

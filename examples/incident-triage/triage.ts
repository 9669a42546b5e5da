/** Pure: what a runbook has to do with an incident, and how pages and reports look. */
export interface Report {
  readonly issue: number
  readonly title: string
  readonly severity: 'sev1' | 'sev2' | 'none'
  readonly cause: string
  readonly next: string
}

interface Runbook {
  readonly name: string
  readonly text: string
}

const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().match(/[a-z]{4,}/g) ?? [])

/** Those that share a word, by how many they share. */
export function runbooksAbout(asked: string, runbooks: readonly Runbook[]): Runbook[] {
  const words = wordsOf(asked)
  const shared = ({ name, text }: Runbook): number => wordsOf(`${name} ${text}`).intersection(words).size
  return runbooks.filter((each) => shared(each) > 0).toSorted((a, b) => shared(b) - shared(a))
}

/** Strangers write titles: in a heading they stay one line. */
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

export const pageOf = ({ team, message }: { readonly team: string; readonly message: string }): string =>
  `To: ${oneLine(team)}\n${oneLine(message)}\n`

export const reportOf = ({ issue, title, severity, cause, next }: Report): string =>
  [
    `# Issue ${issue}: ${oneLine(title)}`,
    '',
    `Severity: ${severity}`,
    '',
    `Likely cause: ${cause}`,
    '',
    `Next: ${next}`,
    '',
  ].join('\n')

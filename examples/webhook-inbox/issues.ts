/** Pure: what a delivery of GitHub about an issue means, and how a digest looks. */
export interface Delivery {
  readonly action: string
  readonly issue: { readonly number: number; readonly title: string }
  readonly repository: { readonly full_name: string }
}

export interface Note {
  readonly repository: string
  readonly what: string
  /** By how many the open issues of the repository change. */
  readonly change: 1 | -1
}

export function noted({ action, issue, repository }: Delivery): Note {
  return {
    repository: repository.full_name,
    what: `#${issue.number} ${issue.title.slice(0, 100)}: ${action}`,
    change: action === 'closed' ? -1 : 1,
  }
}

export function digestOf(
  counts: readonly (readonly [repository: string, open: number])[],
  notes: readonly Note[],
): string {
  const rows = counts
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([repository, open]) => `| ${repository} | ${open} |`)
  const news = notes.map(({ repository, what }) => `- ${repository} ${what}`)
  return [
    '# Open issues',
    '',
    '| repository | open |',
    '|---|---|',
    ...rows,
    '',
    '## What happened last',
    '',
    ...news,
    '',
  ].join('\n')
}

/** Pure: how an article looks, and where it lies. */
export interface Article {
  readonly title: string
  readonly text: string
  readonly source: string
}

export const fileName = (title: string): string =>
  `${
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 60) || 'untitled'
  }.md`

export const articleOf = ({ title, text, source }: Article): string =>
  `# ${title.replace(/\s+/g, ' ')}\n\n${text.trim()}\n\nSource: ${source}\n`

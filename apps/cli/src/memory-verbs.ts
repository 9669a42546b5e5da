import { type MemoryView, VigilError } from '@vigil/protocol'
import type { Command } from 'commander'
import { align } from './tables.ts'
import type { VerbParts } from './turn-verbs.ts'

/** What an agent remembers, for people who want to see it or know better. */
export function addMemoryVerbs(program: Command, { client, show }: VerbParts): void {
  program
    .command('memory <name> [action] [words...]')
    .description('What a process remembers, the newest first; `search TEXT` by keywords, `forget ID` for good.')
    .option('--limit <count>', 'so many entries', '20')
    .option('--cursor <cursor>', 'the next page, as the last line of the one before says')
    .action(async (name: string, action: string | undefined, words: string[], options: Page) => {
      if (action === 'forget') {
        const [id = ''] = words
        if (words.length !== 1) throw new VigilError('INVALID_ARGUMENT', 'expected the id of one entry behind forget')
        const view = await client().forgetMemory(name, id)
        return show(view, () => [`${view.id} of ${name} is forgotten`])
      }
      if (action !== undefined && action !== 'search')
        throw new VigilError('INVALID_ARGUMENT', `expected search or forget, found ${JSON.stringify(action)}`)
      if (action === 'search' && words.length === 0)
        throw new VigilError('INVALID_ARGUMENT', 'expected keywords behind search')
      const view = await client().memory(name, {
        ...pageOf(options),
        ...(action === 'search' ? { q: words.join(' ') } : {}),
      })
      show(view, () => memoryLines(name, view))
    })
}

interface Page {
  readonly limit: string
  readonly cursor?: string
}

const pageOf = ({ limit, cursor }: Page) => ({ limit: Number(limit), ...(cursor === undefined ? {} : { cursor }) })

function memoryLines(name: string, { enabled, share, total, entries, next }: MemoryView): string[] {
  const whose = share === undefined ? `${name} remembers` : `${name} shares "${share}" with others, which holds`
  return [
    `${whose} ${total} entries${enabled ? '' : '; its manifest has no memory, so its agent sees none of them'}`,
    ...(entries.length === 0
      ? []
      : align([
          ['ID', 'AT', 'BY', 'SCORE', 'TAGS', 'TEXT'],
          ...entries.map(({ id, at, by, score, tags, text }) => [
            id,
            at,
            by,
            score.toFixed(2),
            tags.join(','),
            oneLine(text),
          ]),
        ])),
    ...(next === null ? [] : [`more: --cursor ${next}`]),
  ]
}

const longestLine = 100

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > longestLine ? `${line.slice(0, longestLine - 3)}...` : line
}

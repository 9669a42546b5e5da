import { setTimeout as delay } from 'node:timers/promises'
import { type Client, type EntryView, errorCode, VigilError } from '@vigil/protocol'
import type { Command } from 'commander'
import { dataDirectory } from './data-directory.ts'
import type { Face, GlobalFlags } from './face.ts'
import { follow } from './journal-follow.ts'
import { exportRecords, newestRecords, oneRecord, repairJournal, verifyJournal } from './journal-offline.ts'
import { entryLines } from './tables.ts'

interface ShowFlags {
  readonly limit: string
  readonly type?: string
  readonly turn?: string
}

interface JournalVerbsOptions {
  readonly client: () => Client
  readonly face: Face
  readonly flags: () => GlobalFlags
  readonly ended: (exitCode: number) => void
}

/** What happened, from the supervisor or from the files of its data directory; and how these are. */
export function addJournalVerbs(program: Command, options: JournalVerbsOptions): void {
  const { face, flags, ended } = options
  const journal = program
    .command('journal')
    .description('Reads what happened to a process; checks and repairs the log.')
  const data = () => {
    const { url, data: named } = flags()
    // Whoever named a supervisor does not mean whatever lies in this folder.
    if (url !== undefined && named === undefined)
      throw new VigilError(
        'INVALID_ARGUMENT',
        '--url: this reads files; expected --data with the directory of its data',
      )
    return dataDirectory(flags(), face)
  }
  for (const verb of ['show', 'tail'] as const) {
    const command = verb === 'show' ? 'show <name> [n]' : 'tail <name>'
    journal
      .command(command)
      .description(
        verb === 'show'
          ? 'The newest records, newest first; with n, or a seq for a name, one record whole.'
          : 'The newest records, oldest first, then what comes.',
      )
      .option('--limit <n>', 'how many', verb === 'show' ? '100' : '10')
      .option('--type <type>', 'only this record type')
      .option('--turn <id>', 'only this turn')
      .action(async (name: string, ...rest: unknown[]) => {
        const [n, query] =
          verb === 'show' ? (rest as [string | undefined, ShowFlags]) : [undefined, rest[0] as ShowFlags]
        // No process has a name of digits.
        const seq = /^\d+$/.test(name) ? wholeNumber('seq', name, 1) : undefined
        if (seq !== undefined) return face.print(await oneRecord(await data(), { seq }))
        if (n !== undefined)
          return face.print(await oneRecord(await data(), { process: name, n: wholeNumber('n', n, 1) }))
        await newest(verb, name, query, options)
      })
  }
  journal
    .command('verify')
    .description('Reads every byte of journal and checkpoints; exit 3 when something is damaged.')
    .action(async () => ended(await verifyJournal(await data(), face.print, flags().json === true)))
  journal
    .command('repair')
    .description('Shows what a repair of the journal would do; --yes does it.')
    .option('--yes', 'do it')
    .action(async ({ yes }: { yes?: true }) => ended(await repairJournal(await data(), face.print, yes === true)))
  journal
    .command('export')
    .description('Every record as a line of JSON, oldest first.')
    .option('--process <name>', 'only this process')
    .option('--type <type>', 'only this record type')
    .option('--from <seq>', 'only from this place in the log on')
    .option('--since <time>', 'only from this time on (ISO)')
    .action(async (query: { process?: string; type?: string; from?: string; since?: string }) => {
      const since = query.since === undefined ? undefined : Date.parse(query.since)
      if (Number.isNaN(since))
        throw new VigilError('INVALID_ARGUMENT', `--since: expected an ISO time, found ${JSON.stringify(query.since)}`)
      const from = query.from === undefined ? 1 : wholeNumber('--from', query.from, 1)
      await exportRecords(await data(), face.print, { ...query, from, since })
    })
}

async function newest(
  verb: 'show' | 'tail',
  name: string,
  { limit: text, ...query }: ShowFlags,
  { client, face, flags }: JournalVerbsOptions,
): Promise<void> {
  const limit = wholeNumber('--limit', text, 1, 1_000)
  const json = flags().json === true
  const show = (entry: EntryView): void => {
    for (const line of json ? [JSON.stringify(entry)] : entryLines([entry])) face.print(line)
  }
  try {
    if (verb === 'show') {
      const page = await client().journal(name, { ...query, limit })
      for (const line of json ? [JSON.stringify(page)] : entryLines(page.entries)) face.print(line)
      return
    }
    const again = () => delay(followEveryMs, true, { signal: face.signal }).catch(() => false)
    for await (const entry of follow(client(), { name, query, limit, again })) show(entry)
  } catch (error) {
    // Without a supervisor the files say the same, and nothing comes behind them.
    if (errorCode(error) !== 'UNREACHABLE' || flags().url !== undefined) throw error
    const directory = await dataDirectory(flags(), face).catch(() => undefined)
    if (directory === undefined || (await directory.isInUse())) throw error
    const found = await newestRecords(directory, { process: name, limit, ...query })
    if (verb === 'tail') found.forEach(show)
    else
      for (const line of json
        ? [JSON.stringify({ entries: found.toReversed(), next: null })]
        : entryLines(found.toReversed()))
        face.print(line)
  }
}

const followEveryMs = 500

/** @throws INVALID_ARGUMENT */
function wholeNumber(name: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`
  throw new VigilError('INVALID_ARGUMENT', `${name}: expected a whole number ${range}, found ${JSON.stringify(text)}`)
}

import type { Manifest, ProcessStatus } from '@vigil/supervisor'

/** What to try next with the example fleet: lines that can be copied as they are. Pure. */
export interface AdviceInput {
  readonly processes: readonly ProcessStatus[]
  readonly manifests: readonly Manifest[]
  /** Of the supervisor itself. */
  readonly pid: number
  readonly tokenFile: string | undefined
}

export function advice({ processes, manifests, pid, tokenFile }: AdviceInput): string[] {
  const victim = processes.find((process) => process.pid !== undefined)
  const inbox = manifests.flatMap(({ triggers }) => triggers).find((trigger) => trigger.type === 'file_watch')
  const rows: [string, string][] = []
  if (inbox?.type === 'file_watch') {
    const extension = /\.\w+$/.exec(inbox.watchPatterns[0] ?? '')?.[0] ?? '.txt'
    rows.push([`cp YOUR_FILE${extension} ${inbox.watchPath}/`, 'wakes an agent'])
  }
  if (victim?.pid !== undefined)
    rows.push([`kill -9 ${victim.pid}`, `the cell of "${victim.name}": it restarts and goes on`])
  rows.push([`kill -9 ${pid}`, 'the supervisor: start it again and read the recovery block'])
  rows.push(['pnpm vigil ps', 'what runs, and why it last ended'])
  if (tokenFile !== undefined) rows.push([`cat ${tokenFile}`, 'the token for the REST calls of docs/rest.md'])
  const width = Math.max(...rows.map(([command]) => command.length))
  return ['Try next, in another terminal:', ...rows.map(([command, words]) => `  ${command.padEnd(width)}  # ${words}`)]
}

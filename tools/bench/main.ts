import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { channels } from './channels.ts'
import { coldBoot } from './cold-boot.ts'
import { crashToReady } from './crash-to-ready.ts'
import { endings } from './endings.ts'
import { flood } from './flood.ts'
import { gateAlone } from './gate.ts'
import { gateway } from './gateway.ts'
import { idleMemory } from './idle-memory.ts'
import { ingest } from './ingest.ts'
import { journalAppends } from './journal.ts'
import { largeBundle } from './large-bundle.ts'
import { manyAgents } from './many-agents.ts'
import { modelCall } from './model-call.ts'
import { postgres } from './postgres.ts'
import { recovery } from './recovery.ts'
import { markdown, type Row } from './statistics.ts'
import { waitingTurns } from './waiting-turns.ts'
import { wake } from './wake.ts'
import { wholePath } from './whole-path.ts'

/** `pnpm bench [wake|gate|gateway|path|boot|restart|many|large|memory|endings|flood|ingest|postgres|journal|recovery|channels|model|waiting]... [--write]`: measures, prints, and with --write renews what it measured in docs/benchmarks.md and .json. */
const benches: Record<string, () => Row[] | Promise<Row[]>> = {
  wake,
  gate: gateAlone,
  gateway,
  path: wholePath,
  boot: coldBoot,
  restart: crashToReady,
  many: manyAgents,
  large: largeBundle,
  memory: idleMemory,
  endings,
  flood,
  ingest,
  postgres,
  journal: journalAppends,
  recovery,
  channels,
  model: modelCall,
  waiting: waitingTurns,
}

/** The last result of each bench. */
type Results = Record<string, { readonly date: string; readonly machine: string; readonly rows: readonly Row[] }>

const head = `# Benchmarks

What \`pnpm bench --write\` measured last. Rounds are interleaved; figures are medians, ratios are medians of per-round ratios. The
machines are shared: trust ratios.
`
const args = process.argv.slice(2)
const chosen = args.filter((arg) => arg in benches)
const results: Results = JSON.parse(readFileSync('docs/benchmarks.json', 'utf8'))
for (const name of chosen.length > 0 ? chosen : Object.keys(benches)) {
  const rows = await (benches[name] as () => Row[] | Promise<Row[]>)()
  process.stdout.write(`${markdown(rows)}\n\n`)
  const machine = `node ${process.version}, ${cpus().length} cores, ${process.platform} ${process.arch}`
  results[name] = { date: new Date().toISOString().slice(0, 10), machine, rows }
}
if (args.includes('--write')) {
  const known = Object.keys(benches).filter((name) => name in results)
  const parts = known.map((name) => {
    const { date, machine, rows } = results[name] as Results[string]
    return `## ${name}\n\nMeasured ${date} (${machine}).\n\n${markdown(rows)}\n`
  })
  writeFileSync('docs/benchmarks.md', [head, ...parts].join('\n'))
  const ordered = Object.fromEntries(known.map((name) => [name, results[name]]))
  writeFileSync('docs/benchmarks.json', `${JSON.stringify(ordered, null, 2)}\n`)
}

import { writeFileSync } from 'node:fs'
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
import { postgres } from './postgres.ts'
import { recovery } from './recovery.ts'
import { markdown, type Row } from './statistics.ts'
import { wake } from './wake.ts'
import { wholePath } from './whole-path.ts'

/** `pnpm bench [wake|gate|gateway|path|boot|restart|many|large|memory|endings|flood|ingest|postgres|journal|recovery|channels]... [--write]`: measures, prints, and with --write renews docs/benchmarks.md and .json. */
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
}
const args = process.argv.slice(2)
const chosen = args.filter((arg) => arg in benches)
const rows: Row[] = []
for (const name of chosen.length > 0 ? chosen : Object.keys(benches)) {
  const measured = await (benches[name] as () => Row[] | Promise<Row[]>)()
  process.stdout.write(`${markdown(measured)}\n\n`)
  rows.push(...measured)
}
if (args.includes('--write')) {
  const date = new Date().toISOString().slice(0, 10)
  const machine = `node ${process.version}, ${cpus().length} cores, ${process.platform} ${process.arch}`
  const head = `# Benchmarks\n\nMeasured ${date} by \`pnpm bench --write\` (${machine}). Rounds are interleaved; figures are medians, ratios are medians of per-round ratios. The machine is shared: trust ratios.\n\n`
  writeFileSync('docs/benchmarks.md', `${head}${markdown(rows)}\n`)
  writeFileSync('docs/benchmarks.json', `${JSON.stringify({ date, machine, rows }, null, 2)}\n`)
}

import { writeFileSync } from 'node:fs'
import { priceTable } from './price-table.ts'

/** `pnpm prices`: writes the table of today from the package of prices. */
const today = new Date().toISOString().slice(0, 10)
writeFileSync(new URL('../../packages/governance/src/price-table.json', import.meta.url), priceTable(today))

import { writeFileSync } from 'node:fs'
import { errorsPage } from './errors-page.ts'
import { recordsPage } from './records-page.ts'

/** Pages that say what a table says: `pnpm pages` writes them, and a test finds those that are stale. */
export const pages = { 'docs/records.md': recordsPage, 'docs/errors.md': errorsPage } as const

if (import.meta.main) {
  for (const [path, page] of Object.entries(pages)) writeFileSync(new URL(`../../${path}`, import.meta.url), page())
}

import { writeFileSync } from 'node:fs'
import { conformancePage } from '../../test/conformance/otp/page.ts'

/** `pnpm conformance`: writes docs/conformance.md from the table of cases. */
writeFileSync(new URL('../../docs/conformance.md', import.meta.url), conformancePage())

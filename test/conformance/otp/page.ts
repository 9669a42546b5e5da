import { ownCases } from '../own/cases.ts'
import { cases, deviations } from './cases.ts'

/** docs/conformance.md. */
export function conformancePage(): string {
  const count = (port: string): number => cases.filter((each) => each.port === port).length
  const rows = cases.map(({ name, group, port, note }) => `| \`${name}\` | ${group} | ${port} | ${note ?? ''} |`)
  const ownRows = ownCases.map(({ name, group, on, note }) => `| \`${name}\` | ${group} | ${on} | ${note ?? ''} |`)
  const notes = deviations.map(([what, why]) => `- ${what} ${why}`)
  return `# Conformance with OTP

Supervision is decided by a pure machine (\`packages/supervisor/src/supervision/tree\`) that is tried by the ${cases.length} cases of OTP's own supervisor
suite: ${count('as is')} as they stand, ${count('adapted')} adapted, ${count('skipped')} skipped. Each is a test of that name in \`test/conformance/otp\`, on a virtual clock;
\`test/conformance/isolates\` has those with meaning for real cells again, for each tier. A property test
adds random trees under random exits. This page is written by \`pnpm conformance\`.

## Where Vigil decides otherwise

${notes.join('\n')}

## The cases

| case | group | ported | |
|---|---|---|---|
${rows.join('\n')}

## Cases of our own

What Erlang's processes cannot do to each other, and threads and processes of a machine can. Each is a test of that name, on real cells where
a tier is named.

| case | group | on | |
|---|---|---|---|
${ownRows.join('\n')}
`
}

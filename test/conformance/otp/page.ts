import { cases, deviations } from './cases.ts'

/** docs/conformance.md. */
export function conformancePage(): string {
  const count = (port: string): number => cases.filter((each) => each.port === port).length
  const rows = cases.map(({ name, group, port, note }) => `| \`${name}\` | ${group} | ${port} | ${note ?? ''} |`)
  const notes = deviations.map(([what, why]) => `- ${what} ${why}`)
  return `# Conformance with OTP

Supervision is decided by a pure machine (\`packages/supervisor/src/supervision/tree\`) that is tried by the ${cases.length} cases of OTP's own supervisor
suite: ${count('as is')} as they stand, ${count('adapted')} adapted, ${count('skipped')} skipped. Each is a test of that name in \`test/conformance/otp\`, on a virtual clock;
\`test/conformance/own\` has cases that OTP has not, \`test/conformance/isolates\` those with meaning for real cells. A property test
adds random trees under random exits. This page is written by \`pnpm conformance\`.

## Where Vigil decides otherwise

${notes.join('\n')}

## The cases

| case | group | ported | |
|---|---|---|---|
${rows.join('\n')}
`
}

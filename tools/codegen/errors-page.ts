import { type ErrorCode, errorTable, exitCodeOf, VigilError } from '@vigil/protocol'

/** docs/errors.md, from the table of errors. Pure. */
export function errorsPage(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { kind, status, help }]) =>
      `| \`${code}\` | ${kind} | ${status} | ${exitCodeOf(new VigilError(code as ErrorCode, ''))} | ${help.replaceAll('|', '\\|')} |`,
  )
  return `# Errors

An error is known by its code, in journal records, over REST and in a program. Kinds: \`fatal\` (a bug or a broken machine: Vigil stops), \`terminal\` (do
not try again), \`retryable\`, \`suspend\` (wait for a person or a limit), \`rejected\` (the caller's fault). This page is written by \`pnpm pages\` from
\`packages/protocol/src/errors.ts\`.

| code | kind | HTTP | exit code | what to do |
|---|---|---|---|---|
${rows.join('\n')}
`
}

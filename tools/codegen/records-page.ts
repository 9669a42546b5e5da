import { type CallKind, callSchemas, type RecordClass, recordClass, recordTable } from '@vigil/protocol'
import { fieldTexts, type Schema, schemaText } from './schema-text.ts'

/** docs/records.md, from the table of records. Pure. */
export function recordsPage(): string {
  const rows = Object.entries(recordTable).map(([type, { folds, help, data }]) => {
    const schema = data.toJSONSchema() as Schema
    return { type, folds, help, schema }
  })
  const shapes = new Map(rows.flatMap(({ schema }) => Object.entries(schema.$defs ?? {})))
  const sections = rows.map(({ type, folds, help, schema }) => {
    const readers = folds.length === 0 ? 'No fold reads it.' : `Read by: ${folds.join(', ')}.`
    return [`### \`${type}\``, '', `${help} ${readers}`, ...fieldLines(schema)].join('\n')
  })
  return `# Records

What a line of the journal may say. Each has \`seq\` (place in the log), \`at\` (ISO time), \`process\`, \`n\` (place in its process), \`epoch\` (life of
the process), \`type\`, \`turn\` where it belongs to one, and \`data\`: its fields are below, \`?\` marks those that may be missing. All that is known of a
process is a fold over its records. \`vigil journal show NAME\` prints them, \`jq\` reads the files. This page is written by \`pnpm pages\` from
\`packages/protocol/src/records.ts\`.

${sections.join('\n\n')}

## Shapes

${[...shapes].map(shapeLines).join('\n\n')}

## How system calls are recorded

\`guarded\`: intent durable, act, outcome durable, reply. \`act\`: intent durable, act, outcome appended, reply. \`pure\`: one appended record, reply at
once. \`accepted\`: one record, the reply waits until it is durable. \`free\`: no record.

| call | class |
|---|---|
${(Object.keys(callSchemas) as CallKind[]).map((kind) => `| \`${kind}\` | ${classText(kind)} |`).join('\n')}
`
}

function fieldLines(schema: Schema): string[] {
  const fields = fieldTexts(schema)
  if (fields.length === 0) return []
  return ['', ...fields.map(({ text, help }) => `- \`${text}\`${help === '' ? '' : ` ${help}`}`)]
}

function shapeLines([name, schema]: [string, Schema]): string {
  const choices = schema.oneOf ?? schema.anyOf
  const lines = choices === undefined ? fieldLines(schema) : ['', ...choices.map((each) => `- \`${schemaText(each)}\``)]
  return [`### ${name}`, ...lines].join('\n')
}

/** Inputs on which the class of a call may depend. */
const inputs: readonly (readonly [string, Parameters<typeof recordClass>[1]])[] = [
  ['GET, HEAD', { method: 'GET' }],
  ['leave to begin', { intend: true }],
  ['else', { method: 'POST' }],
]

function classText(kind: CallKind): string {
  const classes = new Map<RecordClass, string[]>()
  for (const [what, input] of inputs) classes.getOrInsertComputed(recordClass(kind, input), () => []).push(what)
  if (classes.size === 1) return [...classes.keys()].join()
  return [...classes].map(([name, when]) => `${name} (${when.includes('else') ? 'else' : when.join(', ')})`).join(', ')
}

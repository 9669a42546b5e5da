/** A JSON Schema as a reader of TypeScript would write it, as far as the tables of the protocol go. Pure. */
export interface Schema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly description?: string
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema | boolean
  readonly prefixItems?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
}

export function schemaText(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/$defs/', '')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((each) => JSON.stringify(each)).join(' | ')
  const choices = schema.oneOf ?? schema.anyOf
  if (choices !== undefined) return choices.map(schemaText).join(' | ')
  if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map(schemaText).join(', ')}]`
  if (schema.type === 'array') return typeof schema.items === 'object' ? `${grouped(schema.items)}[]` : 'any[]'
  if (schema.properties !== undefined) return objectText(schema)
  if (typeof schema.additionalProperties === 'object') return `{ [key]: ${schemaText(schema.additionalProperties)} }`
  return schema.type ?? 'any'
}

/** `name: type` of each field of an object, with what the schema says about it. */
export const fieldTexts = (schema: Schema): { readonly text: string; readonly help: string }[] =>
  Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    text: `${name}${schema.required?.includes(name) === true ? '' : '?'}: ${schemaText(field)}`,
    help: field.description ?? '',
  }))

function objectText(schema: Schema): string {
  const fields = fieldTexts(schema).map(({ text }) => text)
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}

function grouped(schema: Schema): string {
  const text = schemaText(schema)
  return text.includes(' | ') && !/^[[{]/.test(text) ? `(${text})` : text
}

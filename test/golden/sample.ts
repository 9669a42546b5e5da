/** A JSON Schema, as far as the table of records goes. */
export interface SampledSchema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, SampledSchema>>
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly oneOf?: readonly SampledSchema[]
  readonly anyOf?: readonly SampledSchema[]
  readonly items?: SampledSchema | boolean
  readonly prefixItems?: readonly SampledSchema[]
  readonly properties?: Readonly<Record<string, SampledSchema>>
}

/** The same value for the same schema, with every field. A text may be read as a time. */
export function sampleOf(schema: SampledSchema, shapes = schema.$defs ?? {}): unknown {
  const of = (part: SampledSchema): unknown => sampleOf(part, shapes)
  if (schema.$ref !== undefined) return of(shapes[schema.$ref.replace('#/$defs/', '')] ?? {})
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  const choice = (schema.oneOf ?? schema.anyOf)?.[0]
  if (choice !== undefined) return of(choice)
  if (schema.prefixItems !== undefined) return schema.prefixItems.map(of)
  switch (schema.type) {
    case 'array':
      return typeof schema.items === 'object' ? [of(schema.items)] : []
    case 'object':
      return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, field]) => [name, of(field)]))
    case 'string':
      return '2026-01-01T00:00:00.000Z'
    case 'number':
    case 'integer':
      return 1
    case 'boolean':
      return true
    default:
      return null
  }
}

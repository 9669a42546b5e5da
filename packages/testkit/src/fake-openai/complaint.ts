import type { FakeMessage, FakeRequest, FakeToolOffer } from './request.ts'

/** What OpenAI refuses with 400, of what is easily got wrong; undefined when it takes the request. */
export function complaintAbout(request: FakeRequest): string | undefined {
  if (request.model === '') return 'you must provide a model parameter'
  return request.path.endsWith('/embeddings') ? aboutInput(request.body) : aboutChat(request)
}

function aboutInput({ input, dimensions }: FakeRequest['body']): string | undefined {
  const texts = Array.isArray(input) ? input : [input]
  if (texts.length === 0 || texts.some((text) => typeof text !== 'string' || text === ''))
    return "'input' must be a text or a list of texts, none of them empty"
  if (dimensions !== undefined && !isCount(dimensions)) return "'dimensions' must be a whole number above 0"
  return undefined
}

function aboutChat({ body, messages, tools }: FakeRequest): string | undefined {
  if (messages.length === 0) return "'messages' must be a list with at least one message"
  for (const field of ['max_tokens', 'max_completion_tokens'])
    if (body[field] !== undefined && !isCount(body[field])) return `'${field}' must be a whole number above 0`
  if (body['stream_options'] !== undefined && body['stream'] !== true)
    return "'stream_options' is only allowed when 'stream' is enabled"
  return aboutMessages(messages) ?? firstOf(tools, aboutTool) ?? aboutFormat(body['response_format'])
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0

function firstOf<T>(list: readonly T[], about: (one: T) => string | undefined): string | undefined {
  for (const one of list) {
    const complaint = about(one)
    if (complaint !== undefined) return complaint
  }
  return undefined
}

const roles = new Set(['system', 'developer', 'user', 'assistant', 'tool'])

/** Every call of a tool has its result right behind it, and no result comes without a call. */
function aboutMessages(messages: readonly FakeMessage[]): string | undefined {
  const open = new Set<string>()
  for (const [at, { role, content, tool_calls: calls, tool_call_id: id }] of messages.entries()) {
    const place = `messages[${at}]`
    if (!roles.has(role)) return `${place}: unknown role '${role}'`
    if (content === null || content === undefined) {
      if (role !== 'assistant' || calls === undefined) return `${place}: 'content' is missing`
    }
    if (role === 'tool') {
      if (!open.delete(id ?? ''))
        return `${place}: messages with role 'tool' must be a response to a preceding message with 'tool_calls'`
    } else if (open.size > 0)
      return `${place}: an assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'; missing: ${[...open].join(', ')}`
    for (const call of calls ?? []) open.add(call.id)
  }
  return open.size === 0 ? undefined : `the calls ${[...open].join(', ')} have no tool message`
}

const names = /^[a-zA-Z0-9_-]{1,64}$/

function aboutTool({ function: tool }: FakeToolOffer): string | undefined {
  const { name, parameters, strict } = tool ?? {}
  if (!names.test(name ?? '')) return `the name of a tool must match ${names}, found '${name}'`
  if (parameters !== undefined && parameters['type'] !== 'object')
    return `invalid schema for function '${name}': it must be of type 'object', found '${parameters['type']}'`
  return strict ? aboutStrict(parameters, `function '${name}'`) : undefined
}

function aboutFormat(format: unknown): string | undefined {
  const { type, json_schema: wanted } = (format ?? {}) as Record<string, Record<string, unknown> | undefined>
  if ((type as unknown) !== 'json_schema') return undefined
  const { name, schema, strict } = wanted ?? {}
  if (!names.test(`${name ?? ''}`)) return `'response_format.json_schema.name' must match ${names}, found '${name}'`
  if (schema === undefined) return "'response_format.json_schema.schema' is missing"
  return strict === true ? aboutStrict(schema, `response_format '${name}'`) : undefined
}

/** Where a schema is strict, each object in it names all it has and allows nothing else. */
function aboutStrict(schema: unknown, where: string): string | undefined {
  if (Array.isArray(schema)) return firstOf(schema, (part) => aboutStrict(part, where))
  if (typeof schema !== 'object' || schema === null) return undefined
  const { type, properties, additionalProperties, required } = schema as Record<string, unknown>
  if (type === 'object') {
    if (additionalProperties !== false)
      return `invalid schema for ${where}: 'additionalProperties' is required to be supplied and to be false`
    const missing = Object.keys(properties ?? {}).filter((key) => !((required ?? []) as string[]).includes(key))
    if (missing.length > 0) return `invalid schema for ${where}: 'required' must name ${missing.join(', ')}`
  }
  return firstOf(Object.values(schema), (part) => aboutStrict(part, where))
}

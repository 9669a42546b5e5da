import type { OfferedTool } from '@vigil/protocol'
import type { AgentContext, Tool, ToolContext } from '../../context.ts'
import { jsonSchemaCheck } from '../json-schema.ts'
import type { GuestTool } from '../tool.ts'
import type { UsableTool } from './tool-calls.ts'

/** What each of them does; what a model is told of it, and how its input is checked, comes from core (protocol/src/builtin-tools.ts). */
const runs: Readonly<Record<string, (input: never, ctx: ToolContext) => unknown>> = {
  async fetch({ url, method = 'GET', headers = {}, body }: FetchInput, { fetch, signal }) {
    const reply = await fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }) })
    return { status: reply.status, content_type: reply.headers.get('content-type'), text: await reply.text() }
  },
  read_file: ({ path }: Path, { files }) => files.read(path),
  list_files: ({ path }: Path, { files }) => files.list(path),
  async publish({ topic, data }: { readonly topic: string; readonly data: unknown }, ctx) {
    await ctx.publish(topic, data)
    return 'published'
  },
  async send_message({ to, content, topic }: Message, ctx) {
    await ctx.send(to, content, topic === undefined ? {} : { topic })
    return 'sent'
  },
  get_state: ({ key }: { readonly key?: string }, { state }) =>
    key === undefined ? { keys: state.keys() } : { value: state.get(key, null) },
  // Written behind the call, by `settle`: what the record answers is not run.
  set_state: (input: Entry) => input,
  async search_memory({ query, ...options }: Search, { memory }) {
    const found = await memory.search(query, options)
    return found.map(({ text, tags, at }) => ({ text, tags, at }))
  },
  async store_memory({ text, ...options }: Remembered, { memory }) {
    await memory.store(text, options)
    return 'stored'
  },
  ask_human: (question: { readonly question: string; readonly options?: readonly string[] }, ctx) =>
    ctx.askHuman(question),
  finish: (input: unknown) => input,
}

/** By name, what the turn does when the outcome of a call is there: it is done in each life. */
const settles: Readonly<Record<string, (outcome: never, context: AgentContext) => unknown>> = {
  set_state({ key, value }: Entry, { state }) {
    if (value === null) state.delete(key)
    else state.set(key, value)
    return 'written'
  },
}

interface FetchInput {
  readonly url: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Path {
  readonly path: string
}

interface Message {
  readonly to: string
  readonly content: unknown
  readonly topic?: string
}

interface Search {
  readonly query: string
  readonly max?: number
  readonly tags?: readonly string[]
}

interface Remembered {
  readonly text: string
  readonly key?: string
  readonly tags?: readonly string[]
}

interface Entry {
  readonly key: string
  readonly value: unknown
}

/** A tool that Vigil brings and core offers; undefined for what is none. */
export function builtinTool(
  { name, description, parameters = {}, read_only }: OfferedTool,
  context: () => AgentContext,
): ({ readonly tool: GuestTool } & Pick<UsableTool, 'ends' | 'settle'>) | undefined {
  if (!Object.hasOwn(runs, name)) return undefined
  const settle = settles[name]
  return {
    tool: {
      definition: { name, run: runs[name] } as Tool<never>,
      check: jsonSchemaCheck(parameters),
      declaration: {
        name,
        ...(description === undefined ? {} : { description }),
        parameters,
        ...(read_only === true ? { read_only } : {}),
      },
    },
    ends: name === 'finish',
    ...(settle === undefined ? {} : { settle: (outcome) => settle(outcome as never, context()) }),
  }
}

import { z } from 'zod'
import { section, text } from './fields.ts'

const names = 'a name of letters, digits, - and single _, up to 32 of them'
/** Two underscores part it from the name of a tool. */
export const serverName = z
  .string({ error: names })
  .regex(/^[A-Za-z](?:[A-Za-z0-9-]|_(?=[A-Za-z0-9-])){0,31}$/, { error: names })

const urlWords = 'a URL such as https://mcp.example.com/mcp, without a user name'
const isUrl = (value: string): boolean => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}
const headerName = z.string().regex(/^[A-Za-z0-9-]{1,100}$/, { error: 'the name of a header' })
const headerValue = z
  .string({ error: 'a text such as "Bearer ${TOKEN}"' })
  .regex(/^[\x20-\x7e]{1,4000}$/, { error: 'a text such as "Bearer ${TOKEN}", in one line' })
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, { error: 'the name of a variable' })
const toolGlob = 'the name of a tool as the server calls it, or a glob such as "add_*"'
const what = 'a server: url, with headers, or command, with args and env'

/** An MCP server: a URL, or a program that is started for the agent. */
export const serverSchema = z
  .strictObject(
    {
      url: z.string({ error: urlWords }).refine(isUrl, { error: urlWords }).optional(),
      headers: z.record(headerName, headerValue, { error: 'a map of headers' }).optional(),
      command: text('the name or path of a program').optional(),
      args: z.array(z.string({ error: 'a text' }), { error: 'a list of texts' }).optional(),
      env: z.record(variable, z.string({ error: 'a text' }), { error: 'a map of variables to texts' }).optional(),
      tools: z
        .array(z.string().regex(/^[A-Za-z0-9_./*?-]{1,128}$/, { error: toolGlob }), { error: `a list: ${toolGlob}` })
        .min(1, { error: `at least one: ${toolGlob}` })
        .optional(),
    },
    section,
  )
  .refine(({ url, command }) => (url === undefined) !== (command === undefined), { error: what })

interface Wrong {
  readonly path: readonly (string | number)[]
  readonly expected: string
  readonly found: string
}

export type ServerDocument = z.output<typeof serverSchema>

/** Headers that only the client itself may set, and those that carry what may not stand on record. */
const reserved = new Set(['host', 'content-length', 'connection', 'transfer-encoding', 'mcp-session-id', 'vigil-swap'])
const secret = new Set(['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'api-key'])

export const ofServers = (servers: Readonly<Record<string, ServerDocument>>): Wrong[] =>
  Object.entries(servers).flatMap(([name, server]) => {
    const misplaced = (server.url === undefined ? ['headers'] : ['args', 'env'])
      .filter((field) => server[field as 'headers' | 'args' | 'env'] !== undefined)
      .map((field) => ({
        path: ['servers', name, field],
        expected: server.url === undefined ? 'url beside it' : 'command beside it',
        found: server.url === undefined ? 'command' : 'url',
      }))
    return [...misplaced, ...ofHeaders(server).map((each) => ({ ...each, path: ['servers', name, ...each.path] }))]
  })

const ofHeaders = ({ headers = {} }: ServerDocument): Wrong[] =>
  Object.entries(headers).flatMap(([header, value]) => {
    const path = ['headers', header]
    const lower = header.toLowerCase()
    if (reserved.has(lower)) return [{ path, expected: 'a header that the protocol does not set itself', found: lower }]
    if (!secret.has(lower) || /(?<!\$)\$\{[A-Za-z_]/.test(value)) return []
    const expected = 'a reference such as "Bearer ${TOKEN}", because the manifest goes on record'
    return [{ path, expected, found: 'a text without one' }]
  })

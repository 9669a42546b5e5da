import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { McpServer } from '@modelcontextprotocol/server'
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'

/** An MCP server over a folder of notes: what it can do is told to whoever asks. */
const folder = fileURLToPath(new URL('./library', import.meta.url))
const notes = readdirSync(folder)
  .filter((name) => name.endsWith('.md'))
  .sort()
  .map((name) => ({ id: name.slice(0, -3), text: readFileSync(`${folder}/${name}`, 'utf8').trim() }))

const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().match(/[a-z]{4,}/g) ?? [])
const reads = { readOnlyHint: true } as const
const answer = <T extends object>(structuredContent: T) => ({
  content: [{ type: 'text' as const, text: JSON.stringify(structuredContent) }],
  structuredContent: { ...structuredContent },
})

const server = new McpServer({ name: 'library', version: '1.0.0' })
server.registerTool(
  'search',
  {
    description: 'Notes that share a word with what you ask, the best first.',
    inputSchema: z.object({ words: z.string() }),
    outputSchema: z.object({ notes: z.array(z.object({ id: z.string() })) }),
    annotations: reads,
  },
  async ({ words }) => {
    const asked = wordsOf(words)
    const found = notes.map(({ id, text }) => ({ id, shared: wordsOf(`${id} ${text}`).intersection(asked).size }))
    const best = found.filter(({ shared }) => shared > 0).toSorted((a, b) => b.shared - a.shared)
    return answer({ notes: best.map(({ id }) => ({ id })) })
  },
)
server.registerTool(
  'read',
  {
    description: 'The text of a note.',
    inputSchema: z.object({ id: z.string() }),
    outputSchema: z.object({ id: z.string(), text: z.string() }),
    annotations: reads,
  },
  async ({ id }) => {
    const note = notes.find((each) => each.id === id)
    if (note === undefined) throw new Error(`there is no note "${id}"`)
    return answer(note)
  },
)
// Nobody offers this one to the model: the manifest lists the tools that it may see.
server.registerTool('burn', { description: 'Burns a note.', inputSchema: z.object({ id: z.string() }) }, async () => {
  throw new Error('this library burns nothing')
})
await server.connect(new StdioServerTransport())

import type { ToolDeclaration } from './tool-declaration.ts'

/**
 * Tools that Vigil brings for models, by name. They run in the guest, through the calls of `ctx`, and are off unless `tools` of the manifest has their exact name.
 * What a model is told of them, and how their input is checked, stands here; what they do in agent/src/guest/thinking/builtins.ts.
 */
const object = (
  properties: Readonly<Record<string, object>>,
  required: readonly string[] = Object.keys(properties),
): Record<string, unknown> => ({ type: 'object', properties, required, additionalProperties: false })

const text = (description: string, maxLength = 4_000): object => ({
  type: 'string',
  minLength: 1,
  maxLength,
  description,
})
const path = text('the name of a mount, then the path in it: reports/2026/out.md')
const texts = { type: 'array', items: { type: 'string', maxLength: 4_000 }, maxItems: 100 }

export const builtinTools: Readonly<Record<string, Omit<ToolDeclaration, 'name'>>> = {
  fetch: {
    description: 'Makes an HTTP request to a host that the agent may reach. Gives { status, content_type, text }.',
    parameters: object(
      {
        url: text('http or https'),
        method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] },
        headers: { type: 'object', additionalProperties: { type: 'string' } },
        body: { type: 'string' },
      },
      ['url'],
    ),
  },
  read_file: { description: 'Reads a text file.', parameters: object({ path }), read_only: true },
  list_files: {
    description: 'Lists the files of a folder: [{ name, size }].',
    parameters: object({ path }),
    read_only: true,
  },
  publish: {
    description: 'Publishes an event to everybody who subscribed to its topic.',
    parameters: object({ topic: text('segments parted by dots: order.placed', 256), data: {} }),
  },
  send_message: {
    description: 'Sends a message to another agent.',
    parameters: object({ to: text('the name of the agent', 64), content: {}, topic: text('what it is about', 256) }, [
      'to',
      'content',
    ]),
  },
  get_state: {
    description: 'Reads a value of the state of this agent: { value }. Without a key, which keys there are: { keys }.',
    parameters: object({ key: text('a key of the state') }, []),
    read_only: true,
  },
  set_state: {
    description:
      'Writes a value of the state of this agent, or deletes it with null. Others see it when the turn has completed.',
    parameters: object({ key: text('a key of the state'), value: {} }),
  },
  search_memory: {
    description: 'Searches what was stored in memory, by keywords; the best first.',
    parameters: object(
      { query: text('keywords', 1_000), max: { type: 'integer', minimum: 1, maximum: 20 }, tags: texts },
      ['query'],
    ),
    read_only: true,
  },
  store_memory: {
    description: 'Stores a text in memory, where later turns find it. The next under the same key takes its place.',
    parameters: object({ text: text('what to remember', 16_000), key: text('a name for it', 200), tags: texts }, [
      'text',
    ]),
  },
  ask_human: {
    description: 'Asks a person a question and waits for the answer, which may take hours.',
    parameters: object({ question: text('the question'), options: { ...texts, minItems: 1 } }, ['question']),
  },
  finish: {
    description: 'Ends the turn. What it is given is the result of the turn.',
    parameters: { type: 'object' },
  },
}

import type { Tool, ToolContext } from '@vigil/agent'
import type { WorldAgent } from '../world/lives.ts'

/** What a test gives in the place of tools, by name: a value, or what makes it. */
export type FakeTools = Readonly<Record<string, unknown>>

/** The agent with other insides of its tools: their schemas and what they say of themselves stay. @throws an Error for a name that it does not have */
export function withFakes<Agent extends Pick<WorldAgent, 'tools'>>(agent: Agent, fakes: FakeTools): Agent {
  const names = Object.keys(fakes)
  if (names.length === 0) return agent
  const { tools = [] } = agent
  const unknown = names.find((name) => !tools.some((tool) => tool.name === name))
  if (unknown !== undefined) {
    const known = tools.map(({ name }) => name).join(', ')
    throw new Error(
      `expected fakes of tools of the agent (${known === '' ? 'it has none' : known}), found "${unknown}"`,
    )
  }
  return {
    ...agent,
    tools: tools.map((tool) => (Object.hasOwn(fakes, tool.name) ? faked(tool, fakes[tool.name]) : tool)),
  }
}

const faked = (tool: Tool, fake: unknown): Tool => ({
  ...tool,
  run: (input, context) => (typeof fake === 'function' ? (fake as Fake)(input, context) : fake),
})

type Fake = (input: unknown, context: ToolContext) => unknown

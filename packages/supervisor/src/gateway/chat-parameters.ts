import type { ModelCall, ModelMessage } from '@vigil/protocol'
import type {
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
  ChatCompletionTool,
} from 'openai/resources/chat/completions'

/** A call as the interface of OpenAI has it, always streamed. */
export function chatParameters(call: ModelCall): ChatCompletionCreateParamsStreaming {
  const { model, messages, tools = [], tool_choice: choice, schema, max_output_tokens: most, provider } = call
  return {
    model,
    messages: messages.map(messageOf),
    stream: true,
    stream_options: { include_usage: true },
    [provider.outputField]: most,
    ...(tools.length === 0 ? {} : { tools: tools.map(toolOf) }),
    ...(tools.length === 0 || choice === undefined ? {} : { tool_choice: choice }),
    ...(schema === undefined
      ? {}
      : { response_format: { type: 'json_schema', json_schema: { name: 'output', schema: { ...schema } } } }),
  }
}

function messageOf(message: ModelMessage): ChatCompletionMessageParam {
  switch (message.role) {
    case 'assistant': {
      const { text, calls = [] } = message
      if (calls.length === 0) return { role: 'assistant', content: text }
      const tool_calls = calls.map(({ id, name, arguments: args }) => ({
        id,
        type: 'function' as const,
        function: { name, arguments: args },
      }))
      return { role: 'assistant', content: text === '' ? null : text, tool_calls }
    }
    case 'tool':
      return { role: 'tool', tool_call_id: message.id, content: message.text }
    default:
      return { role: message.role, content: message.text }
  }
}

const toolOf = ({ name, description, parameters }: NonNullable<ModelCall['tools']>[number]): ChatCompletionTool => ({
  type: 'function',
  function: {
    name,
    ...(description === undefined ? {} : { description }),
    parameters: parameters ?? { type: 'object', properties: {} },
  },
})

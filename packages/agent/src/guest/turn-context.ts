import type { CoreMessage, GuestMessage } from '@vigil/protocol'
import type { AgentContext, AgentFiles, Down } from '../context.ts'
import { encodedBody } from './body.ts'
import { type CodedError, codedError } from './coded-error.ts'
import { milliseconds } from './duration.ts'
import type { Effects } from './effects.ts'
import { agentFetch } from './http.ts'
import { jsonCopy } from './json.ts'
import { agentMemory } from './memory.ts'
import { secretHandle } from './secret.ts'
import type { TurnState } from './state.ts'
import { type GuestTool, runOf } from './tool.ts'

export interface ContextParts {
  readonly process: string
  readonly env: Readonly<Record<string, string>>
  readonly message: Extract<CoreMessage, { t: 'turn' }>
  readonly effects: Effects
  readonly tools: ReadonlyMap<string, GuestTool>
  readonly state: TurnState['state']
  readonly channel: AgentContext['channel']
  readonly lease: AgentContext['secrets']['lease']
  readonly think: AgentContext['think']
  readonly signal: AbortSignal
  readonly log: (level: Extract<GuestMessage, { t: 'log' }>['level'], message: string, fields?: unknown) => void
}

/** `ctx`: the author's words over the effects of one turn. Holds no state of its own. */
export function turnContext({
  process,
  env,
  message,
  effects,
  tools,
  state,
  channel,
  lease,
  think,
  signal,
  log,
}: ContextParts): AgentContext {
  const context: AgentContext = {
    process,
    env,
    signal,
    turn: { id: message.turn, attempt: message.attempt, epoch: message.epoch },
    log: {
      debug: (text, fields) => log('debug', text, fields),
      info: (text, fields) => log('info', text, fields),
      warn: (text, fields) => log('warn', text, fields),
      error: (text, fields) => log('error', text, fields),
    },
    state: { ...state, history: async (key) => (await effects.call('state.history', key, { key })) as never },
    files: agentFiles(effects),
    memory: agentMemory(effects),
    tools: {
      async call(name, input) {
        const tool = tools.get(name)
        // Whether a server has it is known where servers are.
        if (tool === undefined && name.includes('__'))
          return (await effects.call('server.tool', name, {
            name,
            input: jsonCopy(input ?? {}, `the input of tool "${name}"`),
          })) as never
        if (tool === undefined) throw unknownTool(name, [...tools.keys()])
        return (await effects.tool(tool, jsonCopy(input, `the input of tool "${name}"`), runOf(tool, context))) as never
      },
    },
    now: effects.now,
    random: effects.random,
    uuid: effects.uuid,
    step: (name, work, options = {}) => effects.step(name, work, options),
    async sleep(duration) {
      await effects.counted('sleep', { ms: milliseconds(duration) })
    },
    secret: (name) => secretHandle(message.salt ?? '', name),
    secrets: { lease },
    think,
    bearer: (secret) => `Bearer ${secret}`,
    fetch: (url, init) =>
      agentFetch((input) => effects.call('fetch', `${input.method} ${new URL(input.url).host}`, input), url, init),
    async publish(topic, data) {
      await effects.call('publish', topic, { topic, data: jsonCopy(data, 'what is published') })
    },
    async send(to, content, { topic, priority, ttl } = {}) {
      await effects.call('send', to, {
        to,
        ...(topic === undefined ? {} : { topic }),
        content: jsonCopy(content, 'what is sent'),
        ...(priority === undefined ? {} : { priority }),
        ...(ttl === undefined ? {} : { ttl_ms: milliseconds(ttl) }),
      })
    },
    async request(to, content, { topic, timeout = '60s' } = {}) {
      return (await effects.call('request', to, {
        to,
        ...(topic === undefined ? {} : { topic }),
        content: jsonCopy(content, 'what is asked'),
        timeout_ms: milliseconds(timeout),
      })) as never
    },
    channel,
    monitor: async (name) => (await effects.call('monitor', name, { process: name })) as Down,
    ...people(effects),
    fail(text, { retry, code } = {}) {
      throw Object.assign(new Error(text), {
        ...(retry === undefined ? {} : { retry }),
        ...(code === undefined ? {} : { code }),
      })
    },
  }
  return context
}

function unknownTool(name: string, known: readonly string[]): CodedError {
  const message = `the module has no tool "${name}"; it has ${known.length === 0 ? 'none' : known.join(', ')}`
  return codedError({ code: 'TOOL_NOT_FOUND', message })
}

function people(effects: Effects): Pick<AgentContext, 'approve' | 'askHuman'> {
  return {
    async approve({ action, details, timeout, onTimeout }) {
      return (await effects.call('approve', action, {
        action,
        ...(details === undefined ? {} : { details: jsonCopy(details, 'details') }),
        ...(timeout === undefined ? {} : { timeout_ms: milliseconds(timeout) }),
        ...(onTimeout === undefined ? {} : { on_timeout: onTimeout }),
      })) as never
    },
    async askHuman({ question, options, schema, timeout, ...rest }) {
      const { toJSONSchema } = (schema ?? {}) as { toJSONSchema?: () => object }
      return (await effects.call('ask_human', question, {
        question,
        ...(options === undefined ? {} : { options: [...options] }),
        ...(schema === undefined ? {} : { schema: jsonCopy(toJSONSchema?.call(schema) ?? schema, 'schema') }),
        ...(timeout === undefined ? {} : { timeout_ms: milliseconds(timeout) }),
        ...(rest.default === undefined ? {} : { default: jsonCopy(rest.default, 'default') }),
      })) as never
    },
  }
}

function agentFiles(effects: Effects): AgentFiles {
  const read = async (path: string, options?: { encoding: 'bytes' }): Promise<string | Uint8Array> => {
    const { body } = (await effects.call('file.read', path, placeOf(path))) as { body: string }
    const bytes = Buffer.from(body, 'base64')
    return options?.encoding === 'bytes' ? new Uint8Array(bytes) : bytes.toString('utf8')
  }
  return {
    read: read as AgentFiles['read'],
    async write(path, content) {
      await effects.call('file.write', path, { ...placeOf(path), body: encodedBody(Buffer.from(content), path) })
    },
    async list(path) {
      return (await effects.call('file.list', path, placeOf(path))) as never
    },
  }
}

/** `reports/2026/out.md` is `2026/out.md` in the folder that the manifest calls `reports`. */
function placeOf(path: string): { mount: string; path: string } {
  const [mount = '', ...rest] = path.split('/')
  return { mount, path: rest.join('/') }
}

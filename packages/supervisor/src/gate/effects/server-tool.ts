import { type CallInput, type Clock, errorCode, limits, VigilError } from '@vigil/protocol'
import { inputProblem } from '../../requests/answer.ts'
import type { Servers } from '../../servers/servers.ts'
import type { CallSite, OutsideEffect } from '../effect.ts'
import { declaredTool, policyTimeoutMs, toolRules } from '../tools/rules.ts'

const defaultTimeoutMs = 60_000

export interface ServerToolParts {
  readonly servers: Pick<Servers, 'listed' | 'call'>
  readonly clock: Clock
}

/** A tool of an MCP server: ring 0 calls it, and what it gives is a value also when the tool says that it failed. */
export function serverToolEffect({ servers, clock }: ServerToolParts): OutsideEffect<'server.tool'> {
  return {
    async ready({ process }, { name }) {
      const late = Promise.withResolvers<never>()
      const ms = policyTimeoutMs(process.manifest, name) ?? defaultTimeoutMs
      const timer = clock.setTimer(ms, () =>
        late.reject(new VigilError('SERVER_UNAVAILABLE', `the server of "${name}" was not ready within ${ms} ms`)),
      )
      await Promise.race([servers.listed(process, name), late.promise]).finally(() => timer.cancel())
    },
    decide({ process }, { name, input = {} }) {
      const bytes = Buffer.byteLength(JSON.stringify(input))
      if (bytes > limits.toolInputBytes)
        throw new VigilError(
          'TOO_LARGE',
          `the input of the tool "${name}" has ${bytes} bytes, at most ${limits.toolInputBytes} are taken`,
        )
      const problem = misfit(declaredTool(process, name)?.parameters, input)
      if (problem !== undefined)
        throw new VigilError('TOOL_INPUT_INVALID', `the input does not fit the schema of tool "${name}": ${problem}`)
    },
    intent: (_site, { name, input = {} }) => ({ name, input }),
    repeatable: ({ name }, { process }) => toolRules(process, name)?.repeatable === true,
    isPaidOnce: ({ process }, { name }) => toolRules(process, name)?.idempotent === true,
    rerun: () => false,
    keyed: () => false,
    parks: ({ process }, { name }) => toolRules(process, name)?.irreversible === true,
    async act(site, granted) {
      // From the record, as every later life gets it: people may have changed it.
      const { name, input } = (site.turn.effects.get(site.key)?.input ?? granted) as CallInput<'server.tool'>
      const { timeoutMs = defaultTimeoutMs, irreversible = false } = toolRules(site.process, name) ?? {}
      const ending = new AbortController()
      const timer = clock.setTimer(timeoutMs, () =>
        ending.abort(new VigilError('TOOL_TIMEOUT', `the tool "${name}" ran longer than its timeout, ${timeoutMs} ms`)),
      )
      try {
        return await servers.call(site.process, name, input, ending.signal)
      } catch (error) {
        throw irreversible && mayBeDone(error) ? inDoubt(site, name, error) : error
      } finally {
        timer.cancel()
      }
    },
  }
}

/** These say that it was not. */
const undone: ReadonlySet<unknown> = new Set(['SERVER_UNAVAILABLE', 'TOOL_INPUT_INVALID'])
const mayBeDone = (error: unknown): boolean => !undone.has(errorCode(error))

const inDoubt = ({ turn, key }: CallSite, name: string, cause: unknown): VigilError =>
  new VigilError(
    'EFFECT_IN_DOUBT',
    `the tool "${name}" was called and may have been done: ${(cause as Error).message}`,
    {
      details: { key, input: turn.effects.get(key)?.input },
      cause,
    },
  )

/** Every tool takes an object, whatever its schema says. */
function misfit(schema: Readonly<Record<string, unknown>> | undefined, input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return `expected an object, found ${JSON.stringify(input).slice(0, 60)}`
  return inputProblem(schema, input, 'input')
}

import {
  type CallInput,
  type HttpClient,
  type HttpRequest,
  limits,
  type ProcessName,
  VigilError,
} from '@vigil/protocol'
import { destinationOf } from '../../gateway/destination.ts'
import type { RecordLog } from '../../runtime/record-log.ts'
import { knownSecret, refusalOf } from '../../vault/known-secrets.ts'
import { placeholderOf, placeholders } from '../../vault/placeholder.ts'
import type { Vault } from '../../vault/vault.ts'
import type { CallSite, OutsideEffect } from '../effect.ts'

const defaultTimeoutMs = 30_000
const repeatableMethods = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])
const keyedMethods = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

const repeatable = ({
  idempotent,
  method,
}: {
  readonly idempotent?: boolean | undefined
  readonly method: string
}): boolean => idempotent === true || repeatableMethods.has(method)

export interface FetchParts {
  readonly http: HttpClient
  readonly vault: Vault
  readonly log: RecordLog
}

/** `ctx.fetch`: only to hosts that network.allow names; redirects are the guest's to follow, one call each. */
export function fetchEffect({ http, vault, log }: FetchParts): OutsideEffect<'fetch'> {
  return {
    // What is refused here is on record without an intent; the gateway asks again, and sees addresses.
    decide(site, input) {
      destinationOf(input.url, site.process.manifest.network.allow)
      usedSecrets(site, input)
    },
    intent(site, input) {
      const { method, url } = input
      const used = usedSecrets(site, input)
      return { method, url, ...(used.size === 0 ? {} : { secrets: [...used] }) }
    },
    repeatable,
    keyed: (input) => keyedMethods.has(input.method),
    rerun: (input) => input.method === 'GET' || input.method === 'HEAD',
    async act(site, input, idempotencyKey) {
      const used = usedSecrets(site, input)
      const { secrets, release } = await vault.take(site, used)
      try {
        const request = requestOf(site, input, idempotencyKey)
        // Not the turn's signal: an effect that has begun runs on and is recorded at its real outcome.
        const { signal } = new AbortController()
        const reply = await http.send(secrets.length === 0 ? request : { ...request, secrets }, signal)
        return {
          status: reply.status,
          statusText: reply.statusText,
          headers: reply.headers,
          body: Buffer.from(reply.body).toString('base64'),
        }
      } finally {
        recordUse(log, site, { used, host: new URL(input.url).host })
        release()
      }
    },
  }
}

function requestOf({ process }: CallSite, input: CallInput<'fetch'>, idempotencyKey: string | undefined): HttpRequest {
  return {
    method: input.method,
    url: input.url,
    headers: idempotencyKey === undefined ? input.headers : { 'idempotency-key': idempotencyKey, ...input.headers },
    ...(input.body === undefined ? {} : { body: Buffer.from(input.body, 'base64') }),
    timeoutMs: input.timeout_ms ?? defaultTimeoutMs,
    maxBodyBytes: limits.bodyBytes,
    allow: process.manifest.network.allow,
    repeatable: repeatable(input),
  }
}

/** The secrets whose placeholders a request carries, each asked whether it may go there. Pure. */
function usedSecrets(
  { process, turn }: CallSite,
  { url, headers, body = '' }: CallInput<'fetch'>,
): ReadonlySet<string> {
  const used = new Set<string>()
  const text = [url, ...Object.entries(headers).flat(), Buffer.from(body, 'base64').toString('latin1')].join('\n')
  const { network } = process.manifest
  for (const { name, text: placeholder } of placeholders(text)) {
    const secret = knownSecret(process, name)
    if (secret === undefined)
      throw secretDenied(`${process.name} has no secret ${name}`, `${name}: "\${NAME_OF_A_VARIABLE}"`)
    const refused = refusalOf(process.name, name, secret)
    if (refused !== undefined) throw refused
    if (turn.salt === undefined || placeholder !== placeholderOf(turn.salt, name))
      throw new VigilError(
        'SECRET_DENIED',
        `a placeholder of the secret ${name} comes from another turn; ask for it with ctx.secret in this one`,
      )
    if (!reaches(url, secret.manifest?.hosts ?? network.allow)) {
      const { host } = new URL(url)
      throw secretDenied(`the secret ${name} is not for ${host}`, `${name}: { hosts: ["${host}"] }`)
    }
    used.add(name)
  }
  return used
}

const secretDenied = (reason: string, line: string): VigilError =>
  new VigilError('SECRET_DENIED', `${reason}; add to the manifest: secrets: { ${line} }`)

function reaches(url: string, hosts: readonly string[]): boolean {
  try {
    destinationOf(url, hosts)
    return true
  } catch {
    return false
  }
}

/** Behind the act and lazy: that it may be used is on the disk with the intent, and this rides with the outcome. */
function recordUse(
  { commit }: RecordLog,
  { process, turn, key }: CallSite,
  { used, host }: { readonly used: ReadonlySet<string>; readonly host: string },
): void {
  const author = { process: process.name as ProcessName, epoch: process.epoch, turn: turn.turn }
  if (used.size > 0)
    commit(
      [...used].map((name) => ({ ...author, type: 'secret.used', data: { key, name, host } })),
      'lazy',
    )
}

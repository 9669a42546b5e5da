import { VigilError } from '@vigil/protocol'
import type { Trigger } from '../../manifests/manifest.ts'
import type { HookRequest } from '../../surface.ts'
import { isLoopbackAddress, type Sources, sourceList } from './sources.ts'

export type WebhookTrigger = Extract<Trigger, { type: 'webhook' }>

const lists = new WeakMap<WebhookTrigger, Sources>()

/**
 * Whether a caller may come in at all, before a byte of its body is read; undefined: yes. A hook for which nobody has said
 * how it is guarded answers programs of this machine and no one else.
 */
export function refusalOf(trigger: WebhookTrigger, request: HookRequest): VigilError | undefined {
  const { allowedSources, verification, auth } = trigger
  if (allowedSources !== undefined && !listOf(trigger, allowedSources)(request.remote))
    return new VigilError('SOURCE_DENIED', 'expected a caller that allowed_sources names, found another')
  if (verification !== undefined || auth === 'none') return undefined
  if (auth === 'bearer' && request.token !== 'unset')
    return request.token === 'right'
      ? undefined
      : new VigilError('UNAUTHORIZED', 'expected the token of this supervisor, found none or another')
  if ((auth === undefined && allowedSources !== undefined) || isDirect(request)) return undefined
  return new VigilError('SOURCE_DENIED', 'expected a program on this machine, because this hook verifies nothing')
}

function listOf(trigger: WebhookTrigger, sources: readonly string[]): Sources {
  const list = lists.get(trigger) ?? sourceList(sources)
  lists.set(trigger, list)
  return list
}

const carried = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']
const ofBrowsers = ['origin', 'sec-fetch-site']

/** Neither through a proxy, which speaks for the whole world, nor from a page, which a browser may have from anywhere. */
function isDirect({ remote, headers }: HookRequest): boolean {
  if (remote === undefined || !isLoopbackAddress(remote)) return false
  if ([...carried, ...ofBrowsers].some((name) => headers[name] !== undefined)) return false
  const host = headers.host?.replace(/:\d+$/, '')
  return host === undefined || host === 'localhost' || isLoopbackAddress(host.replace(/^\[|\]$/g, ''))
}

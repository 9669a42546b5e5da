import type { TriggerSpec } from './spec.ts'

type Options<T extends TriggerSpec['type'], Given extends string> = Omit<
  Extract<TriggerSpec, { type: T }>,
  'type' | Given
>

/**
 * Wakes the agent at the slots of a cron pattern of five or six fields (the first is then seconds); UTC unless a timezone is given.
 *
 * @example
 * await s.spawn({ name: 'daily', entrypoint, triggers: [cron('0 9 * * *', { timezone: 'Europe/Berlin' })] })
 */
export const cron = (cronExpression: string, options: Options<'cron', 'cronExpression'> = {}): TriggerSpec => ({
  type: 'cron',
  cronExpression,
  ...options,
})

/**
 * Wakes the agent for each request to `/hooks` and the path that its sender has signed.
 *
 * @example
 * await s.spawn({ name: 'triage', entrypoint, triggers: [webhook('/github', { scheme: 'github', secret: '${GITHUB_SECRET}' })] })
 */
export const webhook = (webhookPath: string, options: Options<'webhook', 'webhookPath'> = {}): TriggerSpec => ({
  type: 'webhook',
  webhookPath,
  ...(options.secret === undefined && options.verifyHmac !== true ? {} : { scheme: 'standard' }),
  ...options,
})

/** Wakes the agent for each file of a folder or glob (`./inbox/*.csv`) that is created or modified and has settled. */
export const fileWatch = (watchPath: string, options: Options<'file_watch', 'watchPath'> = {}): TriggerSpec => ({
  type: 'file_watch',
  watchPath,
  ...options,
})

/** Wakes the agent for each publish on a topic; in a pattern `*` is one segment between dots, `**` any number of them. */
export const onEvent = (eventType: string, options: Options<'event', 'eventType'> = {}): TriggerSpec => ({
  type: 'event',
  eventType,
  ...options,
})

/** Wakes the agent by a type that the program has registered as one of `triggerTypes`. */
export const customTrigger = (
  kind: string,
  options: Readonly<Record<string, unknown>> = {},
  more: Options<'custom', 'kind' | 'options'> = {},
): TriggerSpec => ({ type: 'custom', kind, options, ...more })

/** Wakes the agent for each message sent to it, or only for those of a sender or topic. */
export const onMessage = (options: Options<'message', never> = {}): TriggerSpec => ({ type: 'message', ...options })

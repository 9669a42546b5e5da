import { createHmac } from 'node:crypto'
import type { NoticeFold } from '../fold/process-fold.ts'
import type { NoticeTarget } from '../manifests/manifest.ts'

/** A notice as its receiver wants it. Pure. */
export interface NoticeMessage {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

type Notice = Pick<NoticeFold, 'id' | 'at' | 'eventType' | 'text' | 'data'>

/** The longest text that each of them shows. */
const longest = { slack: 3_000, discord: 2_000, teams: 5_000 } as const

/** `key`: with which `standard` signs, afresh in each try, because its receiver looks at the time. */
export function noticeMessage(
  notice: Notice,
  format: NoticeTarget['format'],
  { key, nowMs }: { readonly key: Uint8Array | undefined; readonly nowMs: number },
): NoticeMessage {
  const { id, at, eventType: type, text, data } = notice
  const headers = { 'content-type': 'application/json', 'webhook-id': id }
  if (format !== 'standard') return { headers, body: JSON.stringify(chat[format](cut(text, longest[format]))) }
  const body = JSON.stringify({ type, timestamp: at, data })
  const time = `${Math.floor(nowMs / 1_000)}`
  const code = createHmac('sha256', key ?? '')
    .update(`${id}.${time}.${body}`)
    .digest('base64')
  return { headers: { ...headers, 'webhook-timestamp': time, 'webhook-signature': `v1,${code}` }, body }
}

const chat = {
  // What stands between angle brackets would be a link or a mention.
  slack: (text: string) => ({ text: text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;') }),
  discord: (content: string) => ({ content, allowed_mentions: { parse: [] } }),
  teams: (text: string) => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [{ type: 'TextBlock', text, wrap: true }],
        },
      },
    ],
  }),
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

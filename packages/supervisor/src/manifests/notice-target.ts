import { resolve } from 'node:path'
import type { ManifestDocument } from '@vigil/protocol'

/** Where people are told that they are needed. */
export interface NoticeTarget {
  readonly url: string | SecretReference
  readonly format: 'standard' | 'slack' | 'discord' | 'teams'
  /** With which `standard` signs. */
  readonly secret?: SecretReference
}

/** Where a secret lies; a manifest is on record and never holds one. */
export type SecretReference = { readonly variable: string } | { readonly file: string }

type Document = NonNullable<ManifestDocument['approval']>['notify']

/** References stay references: what they stand for is looked up when something is sent. */
export function noticeTarget(document: Document, baseDirectory: string): NoticeTarget | undefined {
  if (document === undefined) return undefined
  const { webhook_url: url, format, secret } = document
  const key = typeof secret === 'string' ? variable(secret) : secret && { file: resolve(baseDirectory, secret.file) }
  return { url: url.startsWith('${') ? variable(url) : url, format, ...(key === undefined ? {} : { secret: key }) }
}

const variable = (reference: string) => ({ variable: reference.slice(2, -1) })

/** Whether a place of a document holds the reference to a secret of a notice, which may not be looked up for the record. */
export const isNoticeSecret = (path: readonly (string | number)[]): boolean => {
  const at = path.findIndex((key) => key === 'notify' || key === 'escalation')
  return at !== -1 && (path[at + 1] === 'webhook_url' || (path[at + 1] === 'secret' && path.at(-1) !== 'file'))
}

import type { HubCommand } from './hub-protocol.ts'

/** Fields that may be long: programs, and caches of compiled ones. */
const long = new Set(['runtime', 'code', 'codeCache'])

/**
 * A command as text: a line of JSON, in which long texts are their lengths, and behind it these texts as they are. To escape a bundle of 450 KB
 * and its cache in JSON holds ring 0 for 3 ms; to send them takes one.
 */
export function encodeCommand(command: HubCommand): string {
  const texts: string[] = []
  const head = JSON.stringify(command, (key, value: unknown) => {
    if (!long.has(key) || typeof value !== 'string') return value
    texts.push(value)
    return value.length
  })
  return `${head}\n${texts.join('')}`
}

export function decodeCommand(text: string): HubCommand {
  const end = text.indexOf('\n')
  let at = end + 1
  return JSON.parse(text.slice(0, end), (key, value: unknown) => {
    if (!long.has(key) || typeof value !== 'number') return value
    at += value
    return text.slice(at - value, at)
  }) as HubCommand
}

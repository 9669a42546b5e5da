import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Where a needle lies in the memory of a process. */
export interface Place {
  readonly pid: number
  readonly needle: string
  /** What is mapped there. */
  readonly region: string
}

const pageBytes = 4_096
const chunkPages = 1_024

/** Looks through all memory of a process that it can write, as it is at this moment. Needs the rights of a debugger. */
export async function scanMemory(pid: number, needles: Readonly<Record<string, Buffer>>): Promise<Place[]> {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r')
  const places: Place[] = []
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from = '0', to = '0', region = ''] = /^(\w+)-(\w+) rw\S+ \S+ \S+ \S+ *(.*)$/.exec(line) ?? []
      // Sockets of the test may close meanwhile, and it has to see that.
      await nextTurn()
      const pages = [from, to].map((end) => Number.parseInt(end, 16) / pageBytes)
      for (const bytes of usedParts(memory, pagemap, pages))
        for (const [needle, sought] of Object.entries(needles))
          if (bytes.includes(sought)) places.push({ pid, needle, region: region || 'anonymous' })
    }
  } finally {
    closeSync(memory)
    closeSync(pagemap)
  }
  return places
}

/** Pages that were ever written to, with the page behind each part: most of what is mapped is nothing yet. */
function* usedParts(memory: number, pagemap: number, [from = 0, to = 0]: readonly number[]): Generator<Buffer> {
  const entries = Buffer.alloc((to - from) * 8)
  readAt(pagemap, entries, from * 8)
  // Present, or swapped out.
  const isUsed = (page: number): boolean => (entries[(page - from) * 8 + 7] as number) >> 6 !== 0
  for (let first = from; first < to; ) {
    let end = first
    while (end < to && end - first < chunkPages && isUsed(end)) end += 1
    if (end > first) {
      const bytes = Buffer.alloc((Math.min(end + 1, to) - first) * pageBytes)
      yield bytes.subarray(0, readAt(memory, bytes, first * pageBytes))
    }
    first = Math.max(end, first + 1)
  }
}

function readAt(file: number, target: Buffer, position: number): number {
  try {
    return readSync(file, target, 0, target.length, position)
  } catch {
    // Unmapped meanwhile, or of a device.
    return 0
  }
}

/** A process and all that it started, and they. */
export function familyOf(pid: number): number[] {
  const family = new Set([pid])
  const parents = new Map(
    readdirSync('/proc').flatMap((name) => {
      const parent = /^\d+$/.test(name) ? parentOf(name) : undefined
      return parent === undefined ? [] : [[Number(name), parent] as const]
    }),
  )
  for (let before = 0; before < family.size; ) {
    before = family.size
    for (const [child, parent] of parents) if (family.has(parent)) family.add(child)
  }
  return [...family]
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

/** How a secret may lie in memory: as bytes, as a string of two bytes for each character, and in the forms that are looked for. */
export const memoryForms = (name: string, secret: Buffer): Record<string, Buffer> => ({
  [`${name} as it is`]: secret,
  [`${name} in UTF-16`]: Buffer.from(secret.toString('latin1'), 'utf16le'),
  [`${name} in base64`]: Buffer.from(secret.toString('base64').slice(0, Math.floor((secret.length * 8) / 6))),
  [`${name} in hex`]: Buffer.from(secret.toString('hex')),
  [`${name} for URLs`]: Buffer.from(encodeURIComponent(secret.toString('latin1'))),
  [`${name} for JSON`]: Buffer.from(JSON.stringify(secret.toString('latin1')).slice(1, -1)),
})

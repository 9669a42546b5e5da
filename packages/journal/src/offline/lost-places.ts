/** Who had the places of records that are lost, as far as the records before and behind them tell. */
export interface LostPlaces {
  /** A record that can be read, in order. */
  see(place: Known): void
  /** Records that cannot, in their order between the others. */
  miss(from: number, to: number): void
  /** What rounds know of the end of the log. */
  ends(places: readonly (readonly [process: string, n: number, epoch: number])[]): void
  /** One for each seq that was missed. */
  assigned(): ReadonlyMap<number, Owner>
}

export interface Owner {
  readonly process: string
  readonly n: number
  readonly epoch: number
}
export interface Known extends Owner {
  readonly seq: number
}

/** The places of a process that are missing between two records, or up to the end. */
interface Leap {
  readonly process: string
  readonly afterSeq: number
  readonly upToSeq: number
  readonly lastN: number
  readonly epoch: number
  nextN: number
}

/** Whose process nobody knows; no manifest can take the name, and each range has places of its own. */
export const nobody = '@lost-'

/** `begin`: seq of the oldest record that is kept. */
export function lostPlaces(begin: number): LostPlaces {
  const newest = new Map<string, Known>()
  const leaps: Leap[] = []
  const ranges: { readonly from: number; readonly to: number }[] = []

  /** Of a process that is seen for the first time it is known how many records came before, unless they were given up. */
  const beforeOf = (process: string): Known | undefined =>
    newest.get(process) ?? (begin === 1 ? { process, seq: 0, n: 0, epoch: 0 } : undefined)

  const leap = (to: Omit<Known, 'seq'>, upToSeq: number, lastN: number): void => {
    const before = beforeOf(to.process)
    if (before === undefined || lastN <= before.n) return
    const { process, epoch } = to
    leaps.push({ process, epoch, afterSeq: before.seq, upToSeq, nextN: before.n + 1, lastN })
  }

  return {
    see(known) {
      leap(known, known.seq, known.n - 1)
      newest.set(known.process, known)
    },
    miss: (from, to) => void ranges.push({ from, to }),
    ends(places) {
      for (const [process, n, epoch] of places) leap({ process, n, epoch }, Number.POSITIVE_INFINITY, n)
    },
    assigned() {
      const owners = new Map<number, Owner>()
      // Whoever has a record soonest behind the range needs its places most.
      const waiting = leaps.toSorted((a, b) => a.upToSeq - b.upToSeq)
      for (const { from, to } of ranges) {
        let seq = from
        for (const each of waiting) {
          if (each.afterSeq >= from || each.upToSeq <= to) continue
          for (; each.nextN <= each.lastN && seq <= to; each.nextN += 1, seq += 1)
            owners.set(seq, { process: each.process, n: each.nextN, epoch: each.epoch })
        }
        for (let first = seq, n = 1; seq <= to; seq += 1, n += 1)
          owners.set(seq, { process: `${nobody}${first}`, n, epoch: 0 })
      }
      return owners
    },
  }
}

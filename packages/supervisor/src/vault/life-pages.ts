import { copyOf, zero } from './secret-page.ts'

/**
 * What the lives of one process use: each life has copies of its own, which are zeroed when it ends, however it does. An effect that
 * ring 0 makes for it is not cut by that: the page stays until the last effect that began with it has let go.
 */
export interface LifePages {
  take(epoch: number, name: string, source: SharedArrayBuffer): Taken
  /** The life with this epoch is over. */
  over(epoch: number): void
  /** There is another version of it: nobody begins with the old one. */
  replaced(name: string): void
  /** At once, whoever uses it: of one name, or all. */
  zero(name?: string): void
}

export interface Taken {
  readonly page: SharedArrayBuffer
  release(): void
}

interface Copy {
  readonly epoch: number
  readonly name: string
  readonly source: SharedArrayBuffer
  readonly page: SharedArrayBuffer
  uses: number
  isOver: boolean
}

export function lifePages(): LifePages {
  const copies = new Set<Copy>()

  const drop = (copy: Copy): void => {
    zero(copy.page)
    copies.delete(copy)
  }
  const end = (copy: Copy): void => {
    copy.isOver = true
    if (copy.uses === 0) drop(copy)
  }
  const fresh = (epoch: number, name: string, source: SharedArrayBuffer): Copy => {
    const copy = { epoch, name, source, page: copyOf(source), uses: 0, isOver: false }
    copies.add(copy)
    return copy
  }

  return {
    take(epoch, name, source) {
      const present = copies.values().find((copy) => copy.epoch === epoch && copy.source === source && !copy.isOver)
      const copy = present ?? fresh(epoch, name, source)
      copy.uses += 1
      let held = true
      return {
        page: copy.page,
        release() {
          if (held) copy.uses -= 1
          held = false
          if (copy.isOver && copy.uses === 0) drop(copy)
        },
      }
    },
    over(epoch) {
      for (const copy of [...copies]) if (copy.epoch === epoch) end(copy)
    },
    replaced(name) {
      for (const copy of [...copies]) if (copy.name === name) end(copy)
    },
    zero(name) {
      for (const copy of [...copies]) if (name === undefined || copy.name === name) drop(copy)
    },
  }
}

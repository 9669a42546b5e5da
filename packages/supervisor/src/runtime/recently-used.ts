/** What was used last, as much as fits; the newest stays, however large it is. */
export interface RecentlyUsed<Value> {
  get(key: string): Value | undefined
  set(key: string, value: Value): void
}

/** `most` and `sizeOf` in one unit of your choice. */
export function recentlyUsed<Value>(most: number, sizeOf: (value: Value) => number): RecentlyUsed<Value> {
  // A Map keeps the order in which keys were set: the first was used longest ago.
  const values = new Map<string, Value>()
  let size = 0

  const remove = (key: string): Value | undefined => {
    const value = values.get(key)
    if (value !== undefined && values.delete(key)) size -= sizeOf(value)
    return value
  }
  const add = (key: string, value: Value): void => {
    values.set(key, value)
    size += sizeOf(value)
  }

  return {
    get(key) {
      const value = remove(key)
      if (value !== undefined) add(key, value)
      return value
    },
    set(key, value) {
      remove(key)
      add(key, value)
      for (const oldest of values.keys()) {
        if (size <= most || oldest === key) break
        remove(oldest)
      }
    },
  }
}

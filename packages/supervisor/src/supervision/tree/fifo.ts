/** First in, first out, in constant time: `shift` of a long array moves all of it. */
export function fifo<T>() {
  let items: T[] = []
  let head = 0
  return {
    push: (item: T): void => void items.push(item),
    shift(): T | undefined {
      const item = items[head]
      head += 1
      if (head >= items.length) [items, head] = [[], 0]
      return item
    },
    clear(): void {
      items = []
      head = 0
    },
  }
}

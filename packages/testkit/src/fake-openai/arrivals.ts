import type { FakeRequest, OpenRequest } from './request.ts'

/** The requests in the order in which they came, and who waits for one of them. */
export function arrivals() {
  const all: OpenRequest[] = []
  const waiting = new Map<number, PromiseWithResolvers<FakeRequest>>()
  return {
    all: all as readonly FakeRequest[],
    /** Gives its number, from 1. */
    add(request: OpenRequest): number {
      const nth = all.push(request)
      waiting.get(nth)?.resolve(request)
      waiting.delete(nth)
      return nth
    },
    nth(nth: number): Promise<FakeRequest> {
      const there = all[nth - 1]
      if (there !== undefined) return Promise.resolve(there)
      const gate = waiting.get(nth) ?? Promise.withResolvers<FakeRequest>()
      waiting.set(nth, gate)
      return gate.promise
    },
    close(): void {
      for (const [nth, gate] of waiting)
        gate.reject(new Error(`waited for request ${nth}, and the fake was closed after ${all.length}`))
      waiting.clear()
    },
  }
}

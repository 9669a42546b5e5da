/**
 * In a world, ring 0 has no time, chance or network but its ports. This watches the ambient ones and reports whoever of
 * the house uses them; others in the same process, such as a test runner, are let through.
 */
const house = /\/packages\/(protocol|journal|isolate|agent|supervisor|api)\/src\//

type Report = (violation: string) => void

/** Returns the way to stop watching. */
export function guardReality(report: Report): () => void {
  const accuse = (what: string): void => {
    const culprit = new Error().stack?.split('\n').find((line) => house.test(line))
    if (culprit !== undefined) report(`${what} was used outside of the ports: ${culprit.trim()}`)
  }
  const releases = [
    watch(Date, 'now', accuse),
    watch(Math, 'random', accuse),
    watch(performance, 'now', accuse),
    watch(globalThis, 'setTimeout', accuse),
    watch(globalThis, 'setInterval', accuse),
    watch(globalThis, 'fetch', accuse),
    watch(crypto, 'randomUUID', accuse),
    watch(crypto, 'getRandomValues', accuse),
  ]
  return () => {
    for (const release of releases) release()
  }
}

function watch<K extends string>(owner: { [Name in K]: unknown }, name: K, accuse: (what: string) => void): () => void {
  const real = owner[name] as (...args: unknown[]) => unknown
  const watched = function (this: unknown, ...args: unknown[]): unknown {
    accuse(name)
    return real.apply(this, args)
  }
  Object.defineProperty(owner, name, { value: watched, configurable: true, writable: true })
  return () => Object.defineProperty(owner, name, { value: real, configurable: true, writable: true })
}

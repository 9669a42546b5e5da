/** Polls until `done` answers something, bounded; the error says what was waited for. */
export async function until<T>(
  what: string,
  done: () => T | undefined | false | Promise<T | undefined | false>,
  patienceMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const answer = await done()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

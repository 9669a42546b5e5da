/** What stands between fences in a message, by its label, as a model would read it; of two with one label the last. */
export function fencedIn(text: string): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>()
  let open: { readonly label: string; readonly lines: string[] } | undefined
  for (const line of text.split('\n')) {
    if (open === undefined) {
      const label = /^<data [\d ]+ (.+)>$/.exec(line)?.[1]
      if (label !== undefined) open = { label, lines: [] }
    } else if (line.startsWith('| ')) open.lines.push(line.slice(2))
    else {
      found.set(open.label, jsonOr(open.lines.join('\n')))
      open = undefined
    }
  }
  return found
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

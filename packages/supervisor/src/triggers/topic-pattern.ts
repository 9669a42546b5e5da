/**
 * Topics are names of segments parted by dots. In a pattern `*` stands for one whole segment and `**` for
 * any number of them, also none. Matching takes at most pattern times topic steps, whatever is sent.
 */

/** Compiles a pattern. */
export function topicMatcher(pattern: string): (topic: string) => boolean {
  const wanted = pattern.split('.')
  return (topic) => segmentsMatch(wanted, topic.split('.'))
}

export function topicMatches(pattern: string, topic: string): boolean {
  return pattern === topic || topicMatcher(pattern)(topic)
}

/** What is wrong with a pattern, in a sentence; undefined when it is well formed. */
export function topicPatternProblem(pattern: string): string | undefined {
  for (const segment of pattern.split('.')) {
    if (segment === '') return `expected segments parted by single dots, found an empty one in "${pattern}"`
    if (segment.includes('*') && segment !== '*' && segment !== '**') {
      return `expected "*" or "**" alone between dots, found "${segment}" in "${pattern}": a star stands for whole segments`
    }
  }
  return undefined
}

function segmentsMatch(wanted: readonly string[], found: readonly string[]): boolean {
  let place = 0
  // Only the latest `**` is ever worth another try: an earlier one could only give less.
  let retry: { wanted: number; found: number } | undefined
  let at = 0
  while (at < found.length) {
    if (wanted[place] === '**') {
      retry = { wanted: ++place, found: at }
    } else if (place < wanted.length && (wanted[place] === '*' || wanted[place] === found[at])) {
      place++
      at++
    } else if (retry !== undefined) {
      place = retry.wanted
      at = ++retry.found
    } else {
      return false
    }
  }
  while (wanted[place] === '**') place++
  return place === wanted.length
}

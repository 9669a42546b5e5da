import type { FilterScope } from '../../triggers/filter/evaluate.ts'
import { compilePath } from '../../triggers/filter/filter.ts'
import { sceneRoots } from '../../triggers/filter/parse.ts'

/** `{{ payload.issue.number }}` in a text is what stands there; a text that is nothing else has its type, too. */
export function filled(value: unknown, scene: FilterScope): unknown {
  if (typeof value === 'string') return filledText(value, scene)
  if (Array.isArray(value)) return value.map((each) => filled(each, scene))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, filled(each, scene)]))
}

const place = /\{\{([^{}]+)\}\}/g

function filledText(text: string, scene: FilterScope): unknown {
  const whole = /^\s*\{\{([^{}]+)\}\}\s*$/.exec(text)?.[1]
  if (whole !== undefined) return at(whole, scene)
  return text.replace(place, (_, path: string) => shown(at(path, scene)))
}

const at = (path: string, scene: FilterScope): unknown => compilePath(path.trim(), sceneRoots)(scene)
const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Every path in it, to be looked at before it is used. */
export function pathsIn(value: unknown): string[] {
  if (typeof value === 'string') return [...value.matchAll(place)].map(([, path = '']) => path.trim())
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(pathsIn)
}

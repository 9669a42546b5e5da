import { relative, sep } from 'node:path'

/** Does `path` lie in `folder`, or is it that folder? Both absolute; links are not looked at. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`)
}

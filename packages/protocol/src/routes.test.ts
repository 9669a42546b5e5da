import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { manifestSchema, triggerSchema } from './manifest/schema.ts'
import { type Route, routes } from './routes.ts'

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')

it('docs/rest.md lists exactly the routes of the table', () => {
  const listed = [...page('rest.md').matchAll(/^\| `(GET|POST|PATCH|PUT|DELETE) (\S+)` \|/gm)].map(
    ([, method, path]) => `${method} ${path}`,
  )
  const served = Object.values(routes as Record<string, Route>).map(({ method, path }) => `${method} ${path}`)
  expect(listed.sort()).toEqual(served.sort())
})

it('docs/manifest.md names every field of the schema', () => {
  const text = page('manifest.md')
  const triggerFields = triggerSchema.options.flatMap((option) => Object.keys(option.shape))
  const missing = [...Object.keys(manifestSchema.shape), ...triggerFields].filter(
    (field) => !new RegExp(`\`${field}[\`.:]`).test(text),
  )
  expect(missing).toEqual([])
})

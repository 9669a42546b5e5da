import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** `pnpm start <app> [arguments]`: runs apps/<app>/src/main.ts in this process, as if it had been called itself. */
const apps = fileURLToPath(new URL('../../apps', import.meta.url))
const [name = '', ...rest] = process.argv.slice(2)
const main = `${apps}/${name}/src/main.ts`
if (!/^[a-z]+$/.test(name) || !existsSync(main)) {
  process.stderr.write(`expected the name of an app (${readdirSync(apps).join(', ')}), found ${JSON.stringify(name)}\n`)
  process.exit(2)
}
process.argv = [process.argv[0] as string, main, ...rest]
await import(pathToFileURL(main).href)

import { createContext, Script } from 'node:vm'

const longestMs = 500

const box: { act?: () => unknown } = {}
const script = new Script('act()')
const context = createContext(box)

/**
 * For work that follows what an agent wrote, such as a pattern that never comes to an end: it may hold ring 0 so long and no longer.
 * The platform stops whatever runs on this thread by then, also code outside of the script. `late` is the answer then.
 */
export function within<T>(act: () => T, late: T): T {
  box.act = act
  try {
    return script.runInContext(context, { timeout: longestMs }) as T
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return late
    throw error
  } finally {
    delete box.act
  }
}

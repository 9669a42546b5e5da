import { z } from 'zod'

/** What REST calls bring, where the body is not simply a payload. */
export const contextPatchSchema = z.strictObject({ state: z.record(z.string(), z.json()) })
export type ContextPatch = z.output<typeof contextPatchSchema>

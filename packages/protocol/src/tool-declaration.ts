import { z } from 'zod'
import { limits } from './limits.ts'

/** How a tool may be called. */
export const toolName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/**
 * What a guest says of a tool of its module, once in each life. Ring 0 takes it for a wish to be careful: the policy of the manifest
 * may ask for more, and nothing in here for less.
 */
export const toolDeclarationSchema = z.strictObject({
  name: z.string().regex(toolName),
  description: z.string().max(4_000).optional(),
  parameters: z.record(z.string(), z.unknown()).optional().describe('JSON Schema of the input'),
  once: z.boolean().optional(),
  idempotent: z.boolean().optional(),
  irreversible: z.boolean().optional(),
  needs_approval: z.boolean().optional(),
  read_only: z.boolean().optional().describe('it changes nothing'),
  destructive: z.boolean().optional().describe('its server says that it may destroy; it decides nothing'),
  reconcile: z.boolean().optional().describe('it can say what became of a call'),
  timeout_ms: z.number().positive().optional(),
  cost: z.number().min(0).optional().describe('US dollars a call'),
})
export type ToolDeclaration = z.infer<typeof toolDeclarationSchema>

/** A tool of a server is called by both names. */
export const serverToolName = (server: string, tool: string): string => `${server}__${tool}`

/** The two names in that; undefined for a tool of the module. */
export function splitToolName(name: string): { readonly server: string; readonly tool: string } | undefined {
  const at = name.indexOf('__')
  return at <= 0 ? undefined : { server: name.slice(0, at), tool: name.slice(at + 2) }
}

/** They stand in the fold of the process for as long as it is there. */
export const toolDeclarations = z
  .array(toolDeclarationSchema)
  .refine((tools) => JSON.stringify(tools).length <= limits.toolsChars)

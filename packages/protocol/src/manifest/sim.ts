import { z } from 'zod'
import { text } from './fields.ts'

/** What a simulated model says, and when: of `sim:rules` the first rule that fits, of `sim:script` one after the other. */

const toolWords = 'the name of a tool'
const call = z.strictObject(
  { tool: text(toolWords), input: z.unknown().optional() },
  { error: 'a call of a tool: { tool, input }' },
)
const anAnswer = 'text, tool (with its input) or tools in each entry'

const simRuleSchema = z
  .strictObject(
    {
      when: text("a filter over the last message such as tool == 'search'").optional(),
      text: z.string({ error: 'a text' }).optional(),
      tool: text(toolWords).optional(),
      input: z.unknown().optional(),
      tools: z
        .array(call, { error: 'a list of calls: [{ tool, input }]' })
        .min(1, { error: 'at least one call' })
        .optional(),
    },
    { error: 'an entry: { when, text | tool, input | tools }' },
  )
  .refine(({ text: said, tool, tools }) => said !== undefined || tool !== undefined || tools !== undefined, {
    error: anAnswer,
  })
  .refine(({ tool, tools }) => tool === undefined || tools === undefined, { error: 'one of tool and tools' })
  .refine(({ tool, input }) => input === undefined || tool !== undefined, { error: 'input only beside tool' })
export type SimRule = z.infer<typeof simRuleSchema>

const rules = 'a list of entries, or the path of one'
export const simRulesSchema = z
  .array(simRuleSchema, { error: 'a list of entries' })
  .min(1, { error: 'at least one entry' })
  .max(1_000, { error: 'at most 1,000 entries' })
export const simSchema = z.union([text(rules), simRulesSchema], { error: rules })

import { type Json, limits, type Outcome, type RecordData, type ToolDeclaration, VigilError } from '@vigil/protocol'
import type { RequestFold } from '../fold/process-fold.ts'
import { type AnswerForm, answerProblem, inputProblem } from './answer.ts'
import { askedTool } from './approvals.ts'
import { assertAmount } from './more-budget.ts'
import type { RequestDecision } from './surface.ts'

/**
 * What a person's word makes of a request. Pure.
 * @throws INVALID_ARGUMENT when it is no word about this kind of request · ANSWER_INVALID, TOOL_INPUT_INVALID naming the place · TOO_LARGE
 */
export function decidedOf(
  open: RequestFold,
  { decision, answer, edits, reason }: RequestDecision,
  { by, tools }: { readonly by: string; readonly tools: readonly ToolDeclaration[] },
): RecordData<'request.decided'> {
  const { id, key, kind, asked } = open
  const because = reason === undefined ? {} : { reason }
  if (kind === 'question') {
    if (decision !== undefined || edits !== undefined || answer === undefined)
      throw new VigilError('INVALID_ARGUMENT', `request ${id} is a question: expected an answer and no decision`)
    const problem = answerProblem(asked as AnswerForm, answer)
    if (problem !== undefined) throw new VigilError('ANSWER_INVALID', problem)
    return { id, key, decision: 'answered', ...because, outcome: { ok: true, value: answer }, by }
  }
  if (decision === undefined || answer !== undefined)
    throw new VigilError(
      'INVALID_ARGUMENT',
      `request ${id} asks for a decision: expected approve or deny, and no answer`,
    )
  const approved = decision === 'approve'
  if (!approved && edits !== undefined)
    throw new VigilError('INVALID_ARGUMENT', 'expected edits with approve only, found them with deny')
  if (kind === 'budget' && edits !== undefined) assertAmount(open, edits)
  const tool = askedTool(open)?.tool
  if (tool !== undefined && edits !== undefined) assertFits(edits, tool, tools)
  return { id, key, decision: approved ? 'approved' : 'denied', ...because, outcome: approval(approved), by }

  function approval(is: boolean): Outcome {
    const value: Record<string, Json> = { approved: is, by, ...because, ...(edits === undefined ? {} : { edits }) }
    return { ok: true, value }
  }
}

/** Edits of a call are its whole input. */
function assertFits(edits: Json, name: string, tools: readonly ToolDeclaration[]): void {
  const bytes = Buffer.byteLength(JSON.stringify(edits))
  if (bytes > limits.toolInputBytes)
    throw new VigilError('TOO_LARGE', `the edits have ${bytes} bytes, at most ${limits.toolInputBytes} are taken`)
  const problem = inputProblem(tools.find((tool) => tool.name === name)?.parameters, edits, 'edits')
  if (problem !== undefined)
    throw new VigilError('TOOL_INPUT_INVALID', `the edits do not fit the schema of tool "${name}": ${problem}`)
}

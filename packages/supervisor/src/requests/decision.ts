import { type Json, type Outcome, type RecordData, VigilError } from '@vigil/protocol'
import type { RequestFold } from '../fold/process-fold.ts'
import { type AnswerForm, answerProblem } from './answer.ts'
import type { RequestDecision } from './surface.ts'

/**
 * What a person's word makes of a request. Pure.
 * @throws INVALID_ARGUMENT when it is no word about this kind of request · ANSWER_INVALID naming the place
 */
export function decidedOf(
  { id, key, kind, asked }: RequestFold,
  { decision, answer, edits, reason }: RequestDecision,
  by: string,
): RecordData<'request.decided'> {
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
  return { id, key, decision: approved ? 'approved' : 'denied', ...because, outcome: approval(approved), by }

  function approval(is: boolean): Outcome {
    const value: Record<string, Json> = { approved: is, by, ...because, ...(edits === undefined ? {} : { edits }) }
    return { ok: true, value }
  }
}

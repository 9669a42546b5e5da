import { misfitOf, schemaProblem } from '../triggers/message-schema.ts'

/** What an answer has to be. */
export interface AnswerForm {
  readonly options?: readonly string[] | undefined
  readonly schema?: Readonly<Record<string, unknown>> | undefined
}

/** What is wrong with an answer, with the place; undefined when it is one. */
export function answerProblem({ options, schema }: AnswerForm, answer: unknown): string | undefined {
  if (options !== undefined && !options.some((option) => option === answer))
    return `expected one of ${options.join(', ')}, found ${JSON.stringify(answer)}`
  return schema === undefined ? undefined : misfitOf(schema, answer, 'answer')
}

/** The same of the whole input of a tool. What cannot be checked here the tool checks itself, before it runs. */
export const inputProblem = (parameters: AnswerForm['schema'], input: unknown): string | undefined =>
  parameters === undefined || schemaProblem(parameters) !== undefined ? undefined : misfitOf(parameters, input, 'edits')

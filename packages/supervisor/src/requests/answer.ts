import { misfitOf } from '../triggers/message-schema.ts'

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

import { misfitOf, schemaProblem } from '../triggers/message-schema.ts'
import { within } from './within.ts'

/** What an answer has to be. */
export interface AnswerForm {
  readonly options?: readonly string[] | undefined
  readonly schema?: Readonly<Record<string, unknown>> | undefined
}

const endless = 'nothing can be checked against it in a reasonable time'

/** What is wrong with an answer, with the place; undefined when it is one. */
export function answerProblem({ options, schema }: AnswerForm, answer: unknown): string | undefined {
  if (options !== undefined && !options.some((option) => option === answer))
    return `expected one of ${options.join(', ')}, found ${JSON.stringify(answer)}`
  return schema === undefined ? undefined : within(() => misfitOf(schema, answer, 'answer'), `schema: ${endless}`)
}

/** Why no answer can be checked against the schema of a question. */
export const formProblem = ({ schema }: AnswerForm): string | undefined =>
  schema === undefined ? undefined : within(() => schemaProblem(schema)?.message, endless)

/** The same of the whole input of a tool. What cannot be checked here the tool checks itself, before it runs. */
export const inputProblem = (parameters: AnswerForm['schema'], input: unknown, name: string): string | undefined =>
  parameters === undefined || formProblem({ schema: parameters }) !== undefined
    ? undefined
    : within(() => misfitOf(parameters, input, name), undefined)

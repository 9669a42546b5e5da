import { z } from 'zod'
import { exitCauseSchema } from './exit-cause.ts'
import { conversationSchema } from './model.ts'
import { record } from './record-row.ts'
import { by } from './record-shapes.ts'
import { toolDeclarationSchema, toolDeclarations } from './tool-declaration.ts'

/** What becomes of a process and its lives. */
export const processRecords = {
  'process.deployed': record(
    ['process'],
    'A manifest took effect: first deploy or a new revision.',
    z.strictObject({
      revision: z.number(),
      manifest: z.record(z.string(), z.unknown()),
      bundle: z.string(),
      source: z.string().optional(),
      parent: z.string().optional().describe('whose purse is above its own'),
      conversation: conversationSchema.optional().describe('that it begins with, as a fork of another'),
      by,
    }),
  ),
  'process.removed': record(
    ['process', 'mailbox', 'turns', 'state', 'triggers'],
    'The process and all it held are gone.',
    z.strictObject({ by }),
  ),
  'process.desired': record(
    ['process'],
    'Somebody asked for another state.',
    z.strictObject({ state: z.enum(['running', 'suspended', 'stopped']), by }),
  ),
  'process.parked': record(
    ['process'],
    'Policy gave up: the process is failed until started again.',
    z.strictObject({ reason: z.string(), cause: exitCauseSchema.optional() }),
  ),
  'incarnation.started': record(
    ['process'],
    'A new life with a new epoch; older ones may not speak.',
    z.strictObject({ bundle: z.string() }),
  ),
  'incarnation.exited': record(
    ['process', 'turns'],
    'A life ended. `turns` were open; `charged` counts against the event that was being handled.',
    z.strictObject({
      cause: exitCauseSchema,
      turns: z.array(z.string()),
      charged: z.boolean(),
      restart_in_ms: z.number().optional(),
    }),
  ),
  'incarnation.released': record(
    ['process', 'turns'],
    'A life gave its thread back: the process runs on, and has its next life when there is work for it.',
    z.strictObject({ why: z.enum(['idle', 'waiting', 'room', 'disk']), turns: z.array(z.string()) }),
  ),
  'agent.described': record(
    ['process'],
    'The first life of a bundle came up, and said which tools it has: from now on it may begin asleep.',
    z.strictObject({ bundle: z.string(), tools: toolDeclarations.optional() }),
  ),
  'server.listed': record(
    ['process'],
    'An MCP server has these tools; on record when they are others than those that were known.',
    z.strictObject({ server: z.string(), tools: z.array(toolDeclarationSchema) }),
  ),
} as const

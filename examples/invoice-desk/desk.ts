import { defineAgent, defineTool } from '@vigil/agent'

interface Order {
  readonly number: number
  readonly customer: string
  readonly lines: readonly { readonly text: string; readonly count: number; readonly price: number }[]
}

const line = {
  type: 'object',
  properties: { text: { type: 'string' }, count: { type: 'integer', minimum: 1 }, price: { type: 'number' } },
  required: ['text', 'count', 'price'],
}

/** Sums in cents: a third of an order is nobody's money. */
const total = defineTool({
  name: 'total',
  description: 'What an order comes to, in cents.',
  run: ({ lines }: Pick<Order, 'lines'>) =>
    lines.reduce((sum, { count, price }) => sum + count * Math.round(price * 100), 0),
})

const issueInvoice = defineTool({
  name: 'issue_invoice',
  description: 'Writes the invoice of an order. A number is given once.',
  once: true,
  cost: 0.01,
  parameters: {
    type: 'object',
    properties: {
      number: { type: 'integer', minimum: 1 },
      customer: { type: 'string' },
      lines: { type: 'array', items: line, minItems: 1 },
    },
    required: ['number', 'customer', 'lines'],
  },
  async run({ number, customer, lines }: Order, ctx) {
    const cents = await ctx.tools.call<number>('total', { lines })
    const path = `invoices/${number}.txt`
    await ctx.files.write(path, `Invoice ${number} for ${customer}: ${(cents / 100).toFixed(2)} EUR\n`)
    return { path, cents }
  },
})

/** An order that comes as a file becomes an invoice. */
export default defineAgent({
  tools: [total, issueInvoice],
  async run(event, ctx) {
    const { filename } = event.payload as { readonly filename: string }
    const order = JSON.parse(await ctx.files.read(`orders/${filename}`)) as Order
    const invoice = await ctx.tools.call<{ readonly path: string; readonly cents: number }>('issue_invoice', order)
    ctx.state.add('cents', invoice.cents)
    return invoice.path
  },
})

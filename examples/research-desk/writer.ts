import { defineTool } from '@vigil/agent'
import { type Article, articleOf, fileName } from './article.ts'

const writeArticle = defineTool({
  name: 'write_article',
  description: 'Writes an article, in the place of an older one with the same title.',
  parameters: {
    type: 'object',
    properties: { title: { type: 'string' }, text: { type: 'string' }, source: { type: 'string' } },
    required: ['title', 'text', 'source'],
  },
  async run(article: Article, ctx) {
    const path = `articles/${fileName(article.title)}`
    await ctx.files.write(path, articleOf(article))
    return { path }
  },
})

export default { tools: [writeArticle] }

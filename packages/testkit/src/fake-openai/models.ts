const usual = ['gpt-5-mini', 'text-embedding-3-small']

export function modelList(ids: readonly string[] = usual): object {
  const data = ids.map((id) => ({ id, object: 'model', created: 1_767_225_600, owned_by: 'fake' }))
  return { object: 'list', data }
}

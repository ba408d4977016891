// Whether a value has the form that `prints` of src/cli/command-notes.ts tells: `{ a, b? }`, `[…]`, `text`, `number`, `null`, `|`.

type Form =
  | { readonly type: 'object'; readonly fields: readonly Field[]; readonly isOpen: boolean }
  | { readonly type: 'array'; readonly items: Form }
  | { readonly type: 'choice'; readonly forms: readonly Form[] }
  | { readonly type: 'word'; readonly word: string }

interface Field {
  readonly name: string
  readonly isOptional: boolean
  readonly form: Form | null
}

/** Reads a form; throws where the text is none. What follows it is explanation for people. */
export function parseForm(text: string): Form {
  const words = text.match(/[[\]{},:|?…]|\w+/g) ?? []
  let at = 0
  const take = (word: string): boolean => words[at] === word && ++at > 0
  const must = (word: string): void => {
    if (!take(word)) throw new Error(`${word} is missing before ${words.slice(at).join(' ')} in ${text}`)
  }
  const choice = (): Form => {
    const forms = [one()]
    while (take('|')) forms.push(one())
    const [first] = forms
    return forms.length === 1 && first !== undefined ? first : { type: 'choice', forms }
  }
  const one = (): Form => {
    if (take('[')) {
      const items = choice()
      must(']')
      return { type: 'array', items }
    }
    if (take('{')) return object()
    const word = words[at++] ?? ''
    if (!/^(text|number|null)$/.test(word)) throw new Error(`"${word}" is no form in ${text}`)
    return { type: 'word', word }
  }
  const object = (): Form => {
    const fields: Field[] = []
    let isOpen = false
    do {
      if (take('…')) isOpen = true
      else {
        const name = words[at++] ?? ''
        const isOptional = take('?')
        fields.push({ name, isOptional, form: take(':') ? choice() : null })
      }
    } while (take(','))
    must('}')
    return { type: 'object', fields, isOpen }
  }
  return choice()
}

/** What of a value is not as the form says; nothing where all is. */
export function strayFrom(form: Form, value: unknown, path = 'it'): string[] {
  switch (form.type) {
    case 'word': {
      const is = value === null ? 'null' : typeof value === 'string' ? 'text' : typeof value
      return is === form.word ? [] : [`${path} is ${is}, not ${form.word}`]
    }
    case 'array':
      if (!Array.isArray(value)) return [`${path} is no array`]
      return value.flatMap((item, index) => strayFrom(form.items, item, `${path}[${index}]`))
    case 'choice': {
      const all = form.forms.map((each) => strayFrom(each, value, path))
      return all.some((stray) => stray.length === 0) ? [] : all.flat()
    }
    case 'object':
      return strayFields(form, value, path)
  }
}

function strayFields(form: Extract<Form, { type: 'object' }>, value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path} is no object`]
  const given = new Map(Object.entries(value))
  const stray = form.fields.flatMap(({ name, isOptional, form: inner }) => {
    if (!given.has(name)) return isOptional ? [] : [`${path}.${name} is missing`]
    const field: unknown = given.get(name)
    given.delete(name)
    return inner === null ? [] : strayFrom(inner, field, `${path}.${name}`)
  })
  return form.isOpen ? stray : [...stray, ...[...given.keys()].map((name) => `${path}.${name} is not told`)]
}

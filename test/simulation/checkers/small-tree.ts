/**
 * A tree so small that a search can hold thousands of its states: immutable, each operation gives the next one. What an operation answers is a line
 * of text, of an answer that was given as of one that should have been. The third telling of what operations do, after core/tree and model-tree.ts.
 */
import type { CreateRequest, MultiStep, Request } from '../../../lib/model/request.js'
import type { Response, StepResponse } from '../../../lib/model/response.js'

export type WriteCall = Extract<Request, { readonly kind: 'create' | 'setData' | 'delete' | 'multi' | 'closeSession' }>
export type ReadCall = Extract<Request, { readonly kind: 'getData' | 'exists' | 'getChildren' }>

interface SmallZnode {
  readonly data: string
  readonly version: number
  /** Children ever created: the number of the next sequential one. */
  readonly created: number
  readonly owner: string
}

type Znodes = ReadonlyMap<string, SmallZnode>
type Outcome = { readonly znodes: Znodes; readonly answer: string }

const decoder = new TextDecoder()
const BARE: SmallZnode = { data: '', version: 0, created: 0, owner: '' }

export class SmallTree {
  static readonly initial = new SmallTree(
    new Map(['', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'].map(path => [path, BARE])),
  )
  /** By the path; the root's is empty. */
  readonly #znodes: Znodes
  #key: string | undefined

  private constructor(znodes: Znodes) {
    this.#znodes = znodes
  }

  /** Equal for equal trees. */
  get key(): string {
    this.#key ??= [...this.#znodes]
      .map(([path, { data, version, created, owner }]) => `${path} ${data} ${version} ${created} ${owner}`)
      .sort()
      .join('\n')
    return this.#key
  }

  hasEphemeralsOf(session: string): boolean {
    return [...this.#znodes.values()].some(({ owner }) => owner === session)
  }

  read(request: ReadCall): string {
    const path = inner(request.path)
    const znode = this.#znodes.get(path)
    if (znode === undefined) return 'NO_NODE'
    if (request.kind === 'getData') return `${znode.data} version ${znode.version} of ${znode.owner}`
    if (request.kind === 'exists') return `version ${znode.version} of ${znode.owner}`
    return children(this.#znodes, path).sort().join()
  }

  write(request: WriteCall, session: string): { readonly tree: SmallTree; readonly answer: string } {
    const { znodes, answer } =
      request.kind === 'closeSession'
        ? { znodes: new Map([...this.#znodes].filter(([, { owner }]) => owner !== session)), answer: 'done' }
        : request.kind === 'multi'
          ? all(this.#znodes, request.steps, session)
          : step(this.#znodes, request, session)
    return { tree: znodes === this.#znodes ? this : new SmallTree(znodes), answer }
  }
}

/** What a client was answered, in the words of SmallTree. */
export function answerTo(request: Request, response: Response): string {
  if (response.kind === 'error') return response.code
  if (request.kind === 'sync') return 'done'
  switch (response.kind) {
    case 'data':
      return `${text(response.data)} version ${response.stat.version} of ${response.stat.ephemeralOwner ?? ''}`
    case 'stat':
      return request.kind === 'exists'
        ? `version ${response.stat.version} of ${response.stat.ephemeralOwner ?? ''}`
        : stepAnswer(response)
    case 'children':
      return [...response.children].sort().join()
    case 'multi':
      return response.results
        .map(each => (response.failed ? (each.kind === 'error' ? each.code : 'OK') : stepAnswer(each)))
        .join('; ')
    default:
      return stepAnswer(response as StepResponse)
  }
}

function stepAnswer(response: StepResponse): string {
  if (response.kind === 'created') return `made ${response.path}`
  if (response.kind === 'stat') return `version ${response.stat.version}`
  return response.kind === 'error' ? response.code : 'done'
}

function all(before: Znodes, steps: readonly MultiStep[], session: string): Outcome {
  let znodes = before
  const answers: string[] = []
  for (const [index, each] of steps.entries()) {
    const next = step(znodes, each, session)
    if (/^[A-Z_]+$/.test(next.answer)) {
      const codes = steps.map((_, other) =>
        other < index ? 'OK' : other === index ? next.answer : 'RUNTIME_INCONSISTENCY',
      )
      return { znodes: before, answer: codes.join('; ') }
    }
    znodes = next.znodes
    answers.push(next.answer)
  }
  return { znodes, answer: answers.join('; ') }
}

function step(znodes: Znodes, request: MultiStep, session: string): Outcome {
  const refused = (answer: string): Outcome => ({ znodes, answer })
  if (request.kind === 'create') return create(znodes, request, session)
  const path = inner(request.path)
  const znode = znodes.get(path)
  if (znode === undefined) return refused('NO_NODE')
  if (request.version !== -1 && request.version !== znode.version) return refused('BAD_VERSION')
  if (request.kind === 'check') return refused('done')
  const next = new Map(znodes)
  if (request.kind === 'delete') {
    if (children(znodes, path).length > 0) return refused('NOT_EMPTY')
    next.delete(path)
    return { znodes: next, answer: 'done' }
  }
  const version = znode.version + 1
  next.set(path, { ...znode, data: text(request.data), version })
  return { znodes: next, answer: `version ${version}` }
}

function create(znodes: Znodes, { path: asked, mode, data }: CreateRequest, session: string): Outcome {
  const above = asked.slice(0, asked.lastIndexOf('/'))
  const parent = znodes.get(above)
  if (parent === undefined) return { znodes, answer: 'NO_NODE' }
  const path = mode.sequential ? asked + String(parent.created).padStart(10, '0') : asked
  if (znodes.has(path)) return { znodes, answer: 'NODE_EXISTS' }
  if (parent.owner !== '') return { znodes, answer: 'NO_CHILDREN_FOR_EPHEMERALS' }
  const next = new Map(znodes)
  next.set(above, { ...parent, created: parent.created + 1 })
  next.set(path, { data: text(data), version: 0, created: 0, owner: mode.ephemeral ? session : '' })
  return { znodes: next, answer: `made ${path}` }
}

function children(znodes: Znodes, path: string): string[] {
  const start = `${path}/`
  const below = [...znodes.keys()].filter(each => each.startsWith(start)).map(each => each.slice(start.length))
  return below.filter(each => !each.includes('/'))
}

function inner(path: string): string {
  return path === '/' ? '' : path
}

function text(data: Uint8Array | null): string {
  return data === null ? '' : decoder.decode(data)
}
